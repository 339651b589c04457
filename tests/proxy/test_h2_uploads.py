"""Uploads by HTTP/2: as fast as a backend takes them, and no more of them kept than is allowed."""

from __future__ import annotations

import pytest
import trio
from h2.errors import ErrorCodes

from rpx.proxy.outlet import WIDE, WIDER, WINDOW
from tests.proxy.h2_client import Client, client
from tests.proxy.house import running
from tests.support.origin import OK, origin
from tests.support.raw import Raw


async def takes(end: Raw) -> None:
    """Take a chunked body, however long it pauses, and answer."""
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n") and (data := await end.sock.recv(65536)):
        tail = (tail + data)[-7:]
    await end.send(OK)


def window(peer: Client, number: int) -> int:
    """What the client may send at once, by what it has sent and been allowed."""
    return peer.h2.local_flow_control_window(number)


async def fast(peer: Client) -> int:
    """Send on a new stream until all that it may send is more than at first."""
    number = await peer.ask(method="POST", end=False)
    for _ in range(20):
        peer.fill(number, WINDOW // 4)
        await peer.flush()
        with trio.move_on_after(0.05):
            await peer.until(lambda: window(peer, number) > WINDOW)
        if window(peer, number) > WINDOW:
            break
    return number


async def test_a_client_whose_backend_takes_all_may_send_a_megabyte_ahead() -> None:
    async with origin(takes) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        number = await fast(peer)
        assert WINDOW < window(peer, number) <= WINDOW + WIDER
        peer.h2.end_stream(number)
        await peer.flush()
        assert (await peer.answer(number)).status == 200


async def test_so_many_may_and_another_one_when_one_of_them_has_ended() -> None:
    async with origin(takes) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        numbers = [await fast(peer) for _ in range(WIDE)]
        assert all(window(peer, number) > WINDOW for number in numbers)
        other = await fast(peer)
        assert window(peer, other) <= WINDOW
        peer.h2.end_stream(numbers[0])
        await peer.flush()
        await peer.answer(numbers[0])
        assert window(peer, await fast(peer)) > WINDOW


@pytest.mark.parametrize("piece", [1, 700, 16384])
async def test_every_byte_arrives_however_small_the_frames(piece: int) -> None:
    body = bytes(range(256)) * (4 if piece == 1 else 6000)  # some windows, where it isn't slow
    async with origin() as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        fields = (("content-length", str(len(body))),)
        number = await peer.ask("/", *fields, method="PUT", end=False)
        end = await backend.accept()
        await end.until(b"\r\n\r\n")

        async def sends() -> None:
            at = 0
            while at < len(body):
                while size := min(window(peer, number), piece, len(body) - at):
                    last = at + size == len(body)
                    peer.h2.send_data(number, body[at : at + size], end_stream=last)
                    at += size
                await peer.flush()
                if at < len(body):
                    await peer.until(lambda: window(peer, number))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(sends)
            assert await end.take(len(body)) == body
        await end.send(OK)
        assert (await peer.answer(number)).status == 200


async def test_a_client_that_is_answered_early_may_come_to_its_end() -> None:
    """A reset right behind the whole answer makes some clients take that for lost."""
    async with origin() as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        fields = (("content-length", "3"),)
        number = await peer.ask("/", *fields, method="PUT", host="nowhere.localhost", end=False)
        await peer.until(lambda: peer.streams[number].ended)
        assert (peer.streams[number].status, peer.streams[number].reset) == (404, None)
        peer.h2.send_data(number, b"abc", end_stream=True)
        await peer.flush()
        other = await peer.ask("/", host="nowhere.localhost")
        assert (await peer.answer(other)).status == 404
        assert peer.streams[number].reset is None


async def test_a_client_that_goes_on_after_its_answer_is_told_to_stop() -> None:
    async with origin() as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        fields = (("content-length", "3"),)
        number = await peer.ask("/", *fields, method="PUT", host="nowhere.localhost", end=False)
        await peer.until(lambda: peer.streams[number].reset is not None)
        got = peer.streams[number]
        assert (got.status, got.ended, got.reset) == (404, True, ErrorCodes.NO_ERROR)
