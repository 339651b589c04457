"""What of HTTP/2 is refused, stream by stream: malformed, too much, not for us."""

from __future__ import annotations

import pytest
from h2.errors import ErrorCodes

from rpx.model.own_settings import Limits
from tests.proxy.h2_client import client
from tests.proxy.house import HOST, running
from tests.support.origin import OK, answers, origin, refusing


async def test_pages_of_our_own_are_as_for_anybody() -> None:
    with refusing() as port:
        async with running(port) as house, client(house) as peer:
            got = await peer.answer(await peer.ask())
            assert got.status == 502
            assert int(got.head[b"content-length"]) == len(got.body)
            unknown = await peer.answer(await peer.ask(host="other.localhost"))
            assert (unknown.status, unknown.ended) == (404, True)


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        (Limits(head=600), 431),
        (Limits(head_lines=3), 431),
        (Limits(target=5), 414),
        (Limits(body=3), 413),
    ],
)
async def test_limits_are_answered_with_a_page(limits: Limits, status: int) -> None:
    async with origin(answers(OK)) as backend, running(backend, limits=limits) as house:
        async with client(house) as peer:
            fields = [("x-a", "a" * 200), ("x-b", "b" * 200), ("x-c", "c" * 200)]
            number = await peer.ask("/123456", *fields, method="POST", body=b"12345")
            assert (await peer.answer(number)).status == status
            assert not backend.requests


async def test_a_query_that_is_not_encoded_is_refused_with_the_way_to_do_it() -> None:
    query = "/search?q=caf\u00c3\u00a9"  # as UTF-8
    async with origin(answers(OK)) as backend, running(backend) as house:
        plain = await house.client()
        await plain.send(f"GET {query} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode("latin-1"))
        answer = await plain.answer()
        async with client(house) as peer:
            got = await peer.answer(await peer.ask(query))
        for status, body in (answer.status, answer.body), (got.status, got.body):
            assert status == 400
            assert b"--data-urlencode" in body
        assert not backend.requests


async def test_connect_is_refused() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        head = [(":method", "CONNECT"), (":authority", f"{HOST}:443")]
        got = await peer.answer(await peer.ask_with(head, end=False))
        assert (got.status, backend.requests) == (501, [])


GET = [(":method", "GET"), (":scheme", "https"), (":authority", HOST), (":path", "/")]


@pytest.mark.parametrize(
    "head",
    [
        GET[1:],
        GET[:1] + GET[2:],
        GET[:3],
        [*GET[:3], (":path", "")],
        [*GET[:3], (":path", "a")],
        [*GET[:3], (":path", "*")],
        [*GET[:3], (":path", "/ HTTP/1.1\r\nx: y")],
        [*GET[:3], (":path", "http://api.localhost/")],
        [*GET, (":path", "/")],
        [*GET, (":other", "1")],
        [*GET, (":status", "200")],
        [*GET[:3], ("x", "y"), GET[3]],
        [(":method", "GE T"), *GET[1:]],
        [*GET[:1], (":scheme", "ftp"), *GET[2:]],
        [*GET[:2], (":authority", "a b"), GET[3]],
        [*GET, ("X-Upper", "1")],
        [*GET, ("a:b", "1")],
        [*GET, ("", "1")],
        [*GET, ("a b", "1")],
        [*GET, ("x", "a\r\nb: c")],
        [*GET, ("x", "a\x00b")],
        [*GET, ("x", "a\x01b")],
        [*GET, ("x", " a")],
        [*GET, ("x", "a ")],
        [*GET, ("connection", "close")],
        [*GET, ("keep-alive", "1")],
        [*GET, ("proxy-connection", "close")],
        [*GET, ("transfer-encoding", "chunked")],
        [*GET, ("upgrade", "websocket")],
        [*GET, ("te", "gzip")],
        [*GET, ("host", "other.localhost")],
        [*GET, ("content-length", "5")],
        [*GET, (":protocol", "websocket")],
    ],
)
async def test_a_malformed_request_is_reset_and_the_others_go_on(
    head: list[tuple[str, str]],
) -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        got = await peer.answer(await peer.ask_with(head))
        assert got.reset == ErrorCodes.PROTOCOL_ERROR
        assert (await peer.answer(await peer.ask())).status == 200
        assert len(backend.requests) == 1


@pytest.mark.parametrize("more", [{}, {"trailer": "a\r\nb: c"}])
async def test_what_is_refused_may_have_been_cancelled_in_the_same_breath(
    more: dict[str, str],
) -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        for _ in range(3):
            number = peer.h2.get_next_available_stream_id()
            head = [*GET, ("te", "gzip")] if not more else GET
            peer.h2.send_headers(number, head, end_stream=not more)
            if more:
                peer.h2.send_headers(number, list(more.items()), end_stream=True)
            peer.h2.reset_stream(number, ErrorCodes.CANCEL)
        await peer.flush()
        assert (await peer.answer(await peer.ask())).status == 200
        assert not peer.goaways


async def test_a_malformed_trailer_is_reset_and_the_backend_never_sees_an_end() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask(method="POST", end=False)
        peer.h2.send_data(number, b"hello")
        await peer.flush()
        end = await backend.accept()
        await end.until(b"hello\r\n")
        peer.h2.send_headers(number, [(b"x", b"a\r\nb: c")], end_stream=True)
        await peer.flush()
        assert (await peer.answer(number)).reset == ErrorCodes.PROTOCOL_ERROR
        assert await end.ended() == "closed"


async def test_a_host_takes_the_place_of_an_authority() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        head = [*GET[:2], GET[3], ("host", HOST)]
        assert (await peer.answer(await peer.ask_with(head))).status == 200
        assert backend.requests[0].lower().count(b"\r\nhost: api.localhost\r\n") == 1
