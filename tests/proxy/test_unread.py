"""Clients that take nothing of their answer are cut off; those that take little are not."""

from __future__ import annotations

import pytest
import trio

from rpx.model.own_settings import Timeouts
from rpx.model.status import Note
from tests.proxy.h2_client import client
from tests.proxy.house import get, running, until
from tests.support.origin import origin
from tests.support.raw import Raw

SIZE = 20_000_000
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE
CLOSED = b"HTTP/1.1 200 OK\r\n\r\n"
LIMIT = Timeouts(send=0.3)


async def large(end: Raw, head: bytes) -> None:
    try:
        await end.request()
        await end.send(head)
        for _ in range(SIZE // 50_000):
            await end.send(bytes(50_000))
    except (OSError, trio.BrokenResourceError):
        pass


@pytest.mark.parametrize("head", [COUNTED, CLOSED])
async def test_a_client_that_takes_nothing_is_cut_off_and_spoken_of(head: bytes) -> None:
    async def sends(end: Raw) -> None:
        await large(end, head)

    async with origin(sends) as backend, running(backend, timeouts=LIMIT) as house:
        with house.registry.events.subscribe(100) as news:
            peer = await house.client(window=4096)
            await peer.send(get())
            await until(lambda: house.backends[0].counts.requests, "it goes on")
            told = [each.text for each in news.take() if isinstance(each, Note)]
        assert len(told) == 1
        assert told[0].startswith("a client at 127.0.0.1 took nothing of its answer for 0.3 s")
        counts = house.backends[0].counts
        assert (counts.requests, counts.errors, counts.abandoned) == (1, 0, 0)


async def test_a_stream_whose_window_stays_closed_is_reset_and_the_others_go_on() -> None:
    async def sends(end: Raw) -> None:
        await large(end, COUNTED)

    async with origin(sends) as backend, running(backend, timeouts=LIMIT) as house:
        async with client(house) as peer:
            peer.acknowledges = False
            number = await peer.ask()
            got = await peer.answer(number)
            assert (got.status, got.ended) == (200, False)
            assert got.reset is not None
            assert not peer.goaways


async def test_a_connection_of_http2_that_takes_nothing_is_cut_off() -> None:
    async def sends(end: Raw) -> None:
        await large(end, COUNTED)

    async with origin(sends) as backend, running(backend, timeouts=LIMIT) as house:
        async with client(house, window=4096) as peer:
            await peer.settled()
            peer.h2.increment_flow_control_window(SIZE)
            number = await peer.ask()
            peer.h2.increment_flow_control_window(SIZE, number)
            await peer.flush()
            await until(lambda: house.backends[0].counts.requests, "it goes on")
            await house.idle()


async def test_a_tunnel_has_no_such_limit() -> None:
    async with origin() as backend, running(backend, timeouts=LIMIT) as house:
        peer = await house.client(window=4096)
        await peer.send(get("/", "Upgrade: foo", "Connection: upgrade"))
        end = await backend.accept()
        await end.request()
        await end.send(b"HTTP/1.1 101 Fine\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n")
        await peer.until(b"\r\n\r\n")
        with trio.move_on_after(1.6):
            await end.send(bytes(SIZE))
        assert house.backends[0].in_flight == 1


async def test_who_reads_slowly_but_reads_gets_all_of_it() -> None:
    size = 6_000_000

    async def sends(end: Raw) -> None:
        await end.request()
        await end.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))

    async with origin(sends) as backend, running(backend, timeouts=LIMIT) as house:
        peer = await house.client()
        await peer.send(get())
        await peer.until(b"\r\n\r\n")
        left = size
        while left:
            piece = min(left, 150_000)
            await peer.take(piece)
            left -= piece
            await trio.sleep(0.04)
