"""What is remembered of requests that are no plain request and answer of HTTP/1.1."""

from __future__ import annotations

import trio

from rpx.http.websocket import close_frame
from tests.proxy.h2_client import asked, client
from tests.proxy.house import HOST, get, running, until
from tests.proxy.test_h2_websocket import HEAD, switched, switching
from tests.proxy.test_h2_websocket import told as begun
from tests.proxy.test_passed import rows, told
from tests.support.origin import OK, answers, closes, origin
from tests.support.raw import SOON

EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
TEXT = b"\x81\x02hi"  # a frame from a server
MASKED = b"\x81\x82\x00\x00\x00\x00hi"  # and one from a client


async def test_a_stream_of_http_2_is_a_request_like_any_other() -> None:
    async with origin(answers(OK)) as backend, running(backend) as house:
        house.registry.requests.look(1)
        async with client(house) as peer:
            head = [(":method", "POST"), (":scheme", "https"), (":authority", HOST)]
            number = await peer.ask_with(
                [*head, (":path", "/a?b=c"), ("x-request-id", "mine"), ("cookie", "a=1")],
                end=False,
            )
            peer.h2.send_data(number, b"hello", end_stream=True)
            await peer.flush()
            assert (await peer.answer(number)).status == 200
            await until(lambda: rows(house), "nothing is remembered")
        (row,) = rows(house)
        assert (row.protocol, row.method, row.host) == ("HTTP/2", "POST", HOST)
        assert (row.path, row.query, row.request_id) == ("/a", "b=c", "mine")
        assert (row.status, row.bytes_in, row.bytes_out, row.tries) == (200, 5, 2, 1)
        assert row.backend == f"127.0.0.1:{backend.port}"
        assert row.first_ms is not None
        assert 0 < row.first_ms <= row.ms
        whole = told(house, "mine")
        assert (whole.request.body, whole.response.body) == ("hello", "ok")
        assert ("cookie", "•••") in whole.request.headers


async def test_each_stream_of_a_connection_has_a_record_of_its_own() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        slow = await peer.ask("/slow")
        held = await backend.accept()
        first = await asked(held)
        quick = await peer.ask("/quick")
        end = await backend.accept()
        second = await asked(end)
        await end.send(OK)
        await peer.answer(quick)
        await until(lambda: rows(house), "nothing is remembered")
        await held.send(OK)
        await peer.answer(slow)
        await until(lambda: len(rows(house)) == 2, "the slow one is missing")
        early, late = rows(house)  # in the order in which they came
        assert (early.path, late.path) == ("/slow", "/quick")
        assert early.ms > late.ms
        for row, request in ((early, first), (late, second)):
            assert f"X-Request-Id: {row.id}\r\n".encode() in request
            assert f"traceparent: 00-{row.trace_id}-".encode() in request


async def test_a_stream_that_its_client_resets_has_no_status() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask("/slow")
        await backend.accept()
        peer.h2.reset_stream(number)
        await peer.flush()
        await until(lambda: rows(house), "nothing is remembered")
        (row,) = rows(house)
        assert (row.status, row.protocol) == (None, "HTTP/2")
        assert told(house, row.id).tried[0].outcome == "the client left before it had answered"


async def test_a_stream_that_is_asked_for_again_tells_of_both_tries() -> None:
    async with origin(closes) as bad, origin(answers(OK)) as good, running(bad, good) as house:
        async with client(house) as peer:
            assert (await peer.answer(await peer.ask())).status == 200
            await until(lambda: rows(house), "nothing is remembered")
        (row,) = rows(house)
        assert (row.tries, row.retried, row.status) == (2, True, 200)
        assert [each.backend for each in told(house, row.id).tried] == [
            f"127.0.0.1:{bad.port}",
            f"127.0.0.1:{good.port}",
        ]


async def test_a_refused_stream_is_remembered_without_a_backend() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        assert (await peer.answer(await peer.ask(host="nobody.localhost"))).status == 404
        await until(lambda: rows(house), "nothing is remembered")
        (row,) = rows(house)
        assert (row.status, row.host, row.backend) == (404, "nobody.localhost", None)
        assert row.bytes_out > 0


async def test_a_websocket_is_seen_while_it_is_open_and_its_frames_are_counted() -> None:
    async with origin() as backend, running(backend) as house:
        ours = await house.client()
        await ours.send(
            get(
                "/chat",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            )
        )
        end = await backend.accept()
        request = await end.request()
        assert request is not None
        await end.send(switching(request) + TEXT + TEXT)
        await ours.until(b"hi" + TEXT)
        await ours.send(MASKED)
        await end.until(b"hi")
        await until(lambda: rows(house) and rows(house)[0].frames_in, "no frame is counted")
        (row,) = rows(house)
        assert (row.under_way, row.upgrade, row.status) == (True, "websocket", 101)
        assert (row.frames_in, row.frames_out) == (1, 2)
        assert (row.bytes_in, row.bytes_out) == (len(MASKED), 2 * len(TEXT))
        assert row.cursor == ""
        ours.close()
        await until(lambda: not rows(house)[0].under_way, "it goes on")
        assert rows(house)[0].cursor


async def test_a_websocket_over_http_2_is_counted_by_frames_too() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        number = await peer.ask_with(HEAD, end=False)
        end = await backend.accept()
        await switched(end)
        assert await begun(peer, number) == 200
        peer.h2.send_data(number, MASKED)
        await peer.flush()
        await end.until(b"hi")
        await end.send(TEXT + TEXT + TEXT)
        await peer.until(lambda: peer.streams[number].body.count(b"hi") == 3, "no frames")
        await until(lambda: rows(house)[0].frames_out == 3, "no frames are counted")
        (row,) = rows(house)
        assert (row.protocol, row.upgrade, row.under_way) == ("HTTP/2", "websocket", True)
        assert (row.frames_in, row.frames_out) == (1, 3)
        await end.send(close_frame(1000))
        end.close()
        await until(lambda: not rows(house)[0].under_way, "it goes on")


async def test_an_event_stream_is_seen_while_it_goes_on_and_ends_with_its_client() -> None:
    async with origin() as backend, running(backend) as house:
        ours = await house.client()
        await ours.send(get("/events"))
        end = await backend.accept()
        await end.request()
        await end.send(EVENTS)
        await ours.until(b"data: 1\n\n")
        (row,) = rows(house)
        assert (row.under_way, row.status, row.type) == (True, 200, "text/event-stream")
        ours.close()
        with trio.fail_after(SOON):
            await house.registry.requests.wait(0)
        (row,) = rows(house)
        assert (row.under_way, row.status) == (False, 200)
        assert row.bytes_out == len(b"data: 1\n\n")
