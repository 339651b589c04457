"""What comes in thousands of little pieces is worked on in turns, so that others have theirs."""

from __future__ import annotations

from collections import Counter

import pytest

from rpx.http.framing import CHUNKS
from rpx.http.session import AT_ONCE
from rpx.proxy.sockets import Wire
from tests.proxy.h2_client import client
from tests.proxy.house import get, running
from tests.support.origin import OK, answers, origin
from tests.support.raw import background

MANY = 20 * CHUNKS
TINY = b"1\r\nx\r\n" * MANY + b"0\r\n\r\n"
SWITCH = b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n"
WEBSOCKET = get("/", "Upgrade: websocket", "Connection: upgrade")


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Counter[Wire]:
    """How often each wire has let the others have their turn."""
    count: Counter[Wire] = Counter()
    give_way = Wire.give_way

    async def counted(wire: Wire) -> None:
        count[wire] += 1
        await give_way(wire)

    monkeypatch.setattr(Wire, "give_way", counted)
    return count


async def test_an_answer_of_tiny_chunks(turns: Counter[Wire]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + TINY
    async with origin(answers(answer)) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get())
        got = await client.answer()
        assert (got.body, got.whole) == (b"x" * MANY, True)
        assert turns.total() >= MANY // CHUNKS // 2
        await client.send(get())  # nothing of it is left
        assert (await client.answer()).whole


async def test_an_upload_of_tiny_chunks_is_passed_on_whole() -> None:
    head = get("/", "Transfer-Encoding: chunked", method="PATCH")
    async with origin() as backend, running(backend) as house, background() as nursery:
        client = await house.client()
        nursery.start_soon(client.send, head + TINY)
        end = await backend.accept()
        request = await end.request()
        assert request is not None
        assert request.endswith(b"\r\n\r\n" + b"x" * MANY)
        assert end.buffer == b""
        await end.send(OK)
        assert (await client.answer()).status == 200


async def test_tiny_frames_of_a_websocket(turns: Counter[Wire]) -> None:
    frames = b"\x82\x81abcdx" * 100_000  # many reads
    async with origin() as backend, running(backend) as house, background() as nursery:
        client = await house.client()
        await client.send(WEBSOCKET)
        end = await backend.accept()
        await end.request()
        await end.send(SWITCH)
        await client.until(b"\r\n\r\n")
        turns.clear()
        nursery.start_soon(client.send, frames)
        assert await end.take(len(frames)) == frames
        assert turns.total()


async def test_large_heads_that_come_at_once(turns: Counter[Wire]) -> None:
    stray = b"GET / HTTP/1.1\r\nHost: a.test\r\nX: %b\r\n\r\n" % (b"x" * 5000)
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(stray * 12)
        for _ in range(12):
            assert (await client.answer()).status == 404
        assert turns.total() >= 8


@pytest.mark.parametrize("streams", [1, 2])  # their frames in turn
async def test_small_frames_of_bodies_by_http_2(turns: Counter[Wire], streams: int) -> None:
    body = b"x" * 4000
    async with origin(answers(OK)) as backend, running(backend) as house, client(house) as peer:
        await peer.settled()
        length = ("content-length", str(len(body)))
        numbers = [await peer.ask("/", length, method="POST", end=False) for _ in range(streams)]
        turns.clear()
        for at in range(len(body)):
            for number in numbers:
                peer.h2.send_data(number, body[at : at + 1], end_stream=at + 1 == len(body))
        await peer.flush()
        for number in numbers:
            assert (await peer.answer(number)).status == 200
        assert all(request.endswith(body) for request in backend.requests)
        assert turns.total() >= streams * len(body) // AT_ONCE // 2
