"""What is remembered of requests: everything that rpx knows of each, however it was answered."""

from __future__ import annotations

import pytest
import trio

from rpx.errors import UsageError
from rpx.model.request_answers import RequestRow, RequestTold
from rpx.orders import passed
from rpx.policy.lifecycle import Move
from tests.proxy.house import HOST, House, get, post, running, until
from tests.support.origin import OK, answers, closes, origin

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"


def rows(house: House) -> list[RequestRow]:
    return [passed.row(house.registry, record) for record in house.registry.requests.all()]


def told(house: House, id_: str, *, secrets: bool = False) -> RequestTold:
    return passed.told(house.registry, passed.find(house.registry, id_), secrets=secrets)


async def test_a_request_is_there_once_it_has_been_answered() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/x?a=b", "Cookie: secret=1", "X-Request-Id: mine"))
        await client.answer()
        await client.send(post("/y", "hello"))
        await client.answer()
        first, second = rows(house)
        assert (first.method, first.host, first.path, first.query) == ("GET", HOST, "/x", "a=b")
        assert (first.status, first.bytes_out, first.tries, first.protocol) == (
            200,
            2,
            1,
            "HTTP/1.1",
        )
        assert first.backend == f"127.0.0.1:{backend.port}"
        assert (first.request_id, first.client, first.route) == ("mine", "127.0.0.1", None)
        assert first.first_ms is not None
        assert 0 < first.connect_ms <= first.first_ms <= first.ms
        assert (second.method, second.bytes_in) == ("POST", 5)
        assert second.request_id == second.id
        seen = backend.requests
        assert b"X-Request-Id: mine\r\n" in seen[0]
        assert f"X-Request-Id: {second.id}\r\n".encode() in seen[1]
        assert f"traceparent: 00-{second.trace_id}-".encode() in seen[1]
        whole = told(house, "mine")
        assert ("Cookie", "•••") in whole.request.headers
        assert ("Cookie", "secret=1") in told(house, first.id, secrets=True).request.headers
        assert ("Content-Length", "2") in whole.response.headers
        assert whole.response.body is None
        with pytest.raises(UsageError, match="there is no request 77"):
            told(house, "77")


async def test_bodies_are_there_while_somebody_looks() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        house.registry.requests.look(1)
        client = await house.client()
        await client.send(post("/", "hello"))
        await client.answer()
        whole = told(house, "1")
        assert (whole.request.body, whole.response.body) == ("hello", "ok")


async def test_a_body_whose_length_is_not_told_is_counted() -> None:
    async with origin(answers(CHUNKED)) as backend, running(backend) as house:
        house.registry.requests.look(1)
        client = await house.client()
        await client.send(get())
        await client.answer()
        whole = told(house, "1")
        assert (whole.response.body, whole.row.bytes_out) == ("abcde", 5)


async def test_of_a_large_body_the_beginning_is_kept() -> None:
    large = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000
    async with origin(answers(large)) as backend, running(backend) as house:
        house.registry.requests.look(1)
        client = await house.client()
        await client.send(get())
        await client.answer()
        whole = told(house, "1")
        assert (whole.response.size, whole.response.kept) == (300_000, 65_536)
        assert whole.response.body == "x" * 65_536


async def test_refusals_are_remembered_with_what_was_wrong() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(b"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
        await client.answer()
        await client.send(b"nonsense\r\n\r\n")
        await client.answer()
        unknown, nonsense = rows(house)
        assert (unknown.status, unknown.backend, unknown.tries) == (404, None, 0)
        assert (nonsense.status, nonsense.method, nonsense.path) == (400, "", "")
        assert told(house, nonsense.id).explained == (
            f"It was no request that could be understood: {nonsense.note}",
        )


async def test_every_backend_that_was_asked_is_told_with_what_came_of_it() -> None:
    async with origin(closes) as bad, origin(answers(OK)) as good, running(bad, good) as house:
        client = await house.client()
        await client.send(get())
        assert (await client.answer()).status == 200
        (row,) = rows(house)
        assert (row.tries, row.status, row.retried) == (2, 200, True)
        whole = told(house, row.id)
        assert [each.backend for each in whole.tried] == [
            f"127.0.0.1:{bad.port}",
            f"127.0.0.1:{good.port}",
        ]
        assert whole.tried[1].outcome == "answered 200"
        why = whole.tried[0].outcome
        assert whole.explained == (
            f"api:{bad.port} gave no answer ({why}), so api:{good.port} was asked.",
        )


async def test_a_wait_for_a_backend_is_told_with_how_that_stood() -> None:
    async with origin(answers(OK)) as backend, running(backend, ours=True, up=False) as house:
        (there,) = house.backends
        assert there.process is not None
        house.registry.move(there.process, Move.LAUNCH)
        client = await house.client()
        await client.send(get())
        await until(lambda: house.pool.waiting, "the request is held")
        house.registry.judge(there, Move.PROBE_UP)
        assert (await client.answer()).status == 200
        (row,) = rows(house)
        assert row.held_ms > 0
        assert (
            f"because none was up: {there.label} was starting" in told(house, row.id).explained[0]
        )


async def test_who_leaves_has_no_status() -> None:
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        await backend.accept()
        client.close()
        await until(lambda: rows(house), "the request goes on")
        (row,) = rows(house)
        assert row.status is None
        with trio.fail_after(30):
            await house.registry.requests.wait(0)
