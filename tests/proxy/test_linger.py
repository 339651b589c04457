"""A client that is still sending when its answer is there gets that answer all the same."""

from __future__ import annotations

import pytest
import trio

from rpx.proxy import connection
from tests.proxy.house import HOST, running
from tests.support.origin import origin
from tests.support.raw import Raw

HEAD = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n".encode()
REFUSED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER", 0.4)
    monkeypatch.setattr(connection, "LINGER_ALL", 2.0)


async def refuses(end: Raw) -> None:
    await end.until(b"\r\n\r\n")
    await end.send(REFUSED)
    while await end.more():
        pass


async def trickle(peer: Raw) -> None:
    while True:
        await peer.send(b"x")
        await trio.sleep(0.05)


async def test_who_sends_slowly_and_reads_at_last_gets_the_answer() -> None:
    async with origin(refuses) as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(HEAD)
        for _ in range(10):  # longer than the silence that is allowed, in all
            await peer.send(bytes(100_000))
            await trio.sleep(0.1)
        assert (await peer.answer()).status == 401


async def test_who_sends_without_end_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER_ALL", 0.5)
    async with origin(refuses) as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(HEAD)
        with trio.fail_after(3), pytest.raises(OSError, match=r"reset|Broken"):
            await trickle(peer)


async def test_nobody_lingers_for_long_when_rpx_goes_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "LINGER", 60.0)
    monkeypatch.setattr(connection, "LINGER_ALL", 60.0)
    monkeypatch.setattr(connection, "LINGER_DRAINING", 0.2)
    async with origin(refuses) as backend, running(backend) as house:
        peer = await house.client()
        await peer.send(HEAD)
        assert (await peer.answer()).status == 401
        house.stop()
        await trio.sleep(0.3)
        await peer.send(b"x")
        with trio.fail_after(2):
            await house.done.wait()
