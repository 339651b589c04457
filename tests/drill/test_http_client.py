"""A client's connection, against origins that answer in every way there is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpx.drill.http_client import HttpConnection, NoAnswer, Target
from tests.support.origin import OK, Script, answers, closes, once, origin, refusing, resets
from tests.support.raw import Raw
from tests.support.tls import Authority

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"
CUT_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"


def target(port: int) -> Target:
    return Target(("127.0.0.1",), port, "api.localhost:8080", "/a?b=c")


async def test_a_request_names_the_host_and_the_path() -> None:
    async with origin(answers(OK)) as there:
        connection = await HttpConnection.open(target(there.port))
        assert await connection.get(target(there.port).request) == 200
        connection.close()
        [request] = there.requests
    assert request.startswith(b"GET /a?b=c HTTP/1.1\r\nHost: api.localhost:8080\r\n")


async def test_a_service_with_tls_is_asked_with_tls(authority: Authority) -> None:
    async with origin(answers(OK, OK), tls=authority.server("api.localhost")) as there:
        where = replace(target(there.port), tls=True)
        connection = await HttpConnection.open(where)
        assert await connection.get(where.request) == 200
        assert await connection.get(where.request) == 200
        connection.close()


async def test_a_handshake_that_fails_is_no_answer() -> None:
    async def leaves(raw: Raw) -> None:
        await raw.take(1)
        raw.close()

    async with origin(leaves) as there:
        with pytest.raises(NoAnswer, match=r"TLS handshake failed"):
            await HttpConnection.open(replace(target(there.port), tls=True))


@pytest.mark.parametrize("piece", [0, 1])
@pytest.mark.parametrize("first", [OK, CHUNKED, EARLY + OK, b"HTTP/1.1 204 No Content\r\n\r\n"])
async def test_a_connection_takes_the_next_request_behind_a_whole_answer(
    first: bytes, piece: int
) -> None:
    last = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    async with origin(answers(first, last, piece=piece)) as there:
        connection = await HttpConnection.open(target(there.port))
        request = target(there.port).request
        assert await connection.get(request) in (200, 204)
        assert connection.reusable
        assert await connection.get(request) == 404
        connection.close()


@pytest.mark.parametrize("answer", [UNTIL_CLOSE, CLOSE, EVENTS])
async def test_a_connection_that_an_answer_ends_takes_no_other(answer: bytes) -> None:
    async with origin(once(answer)) as there:
        connection = await HttpConnection.open(target(there.port))
        assert await connection.get(target(there.port).request) == 200
        assert not connection.reusable
        connection.close()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (closes, "closed without an answer"),
        (resets, "connection reset"),
        (once(CUT), "answer broke off"),
        (once(CUT_CHUNK), "answer broke off"),
        (once(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), "malformed answer"),
    ],
)
async def test_no_whole_answer_is_a_failure_that_says_how(script: Script, why: str) -> None:
    async with origin(script) as there:
        connection = await HttpConnection.open(target(there.port))
        with pytest.raises(NoAnswer, match=why):
            await connection.get(target(there.port).request)
        assert not connection.reusable
        connection.close()


async def test_an_address_where_nobody_listens_is_passed_over() -> None:
    async with origin(answers(OK)) as there:
        connection = await HttpConnection.open(Target(("127.0.0.2", "127.0.0.1"), there.port, "a"))
        assert await connection.get(target(there.port).request) == 200
        connection.close()
    with refusing() as port:
        with pytest.raises(NoAnswer, match="rpx does not take the connection"):
            await HttpConnection.open(target(port))
