"""A client that has sent all it has to say, and waits for what is made of it."""

from __future__ import annotations

import pytest
import trio

from rpx.proxy import tunnel
from tests.proxy.house import get, running
from tests.support.origin import origin

UPGRADE = get("/", "Upgrade: tcp", "Connection: upgrade")
SWITCH = b"HTTP/1.1 101 Fine\r\nUpgrade: tcp\r\nConnection: upgrade\r\n\r\n"


@pytest.mark.parametrize("late", [False, True])
async def test_a_tunnel_that_is_no_websocket_waits_for_the_answer(
    monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    monkeypatch.setattr(tunnel, "HALF_CLOSED", 0.1)
    if late:
        monkeypatch.setattr(tunnel, "HALF_CLOSED_CLIENT", 0.2)
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(UPGRADE)
        end = await backend.accept()
        await end.request()
        await end.send(SWITCH)
        await client.until(b"\r\n\r\n")
        await client.send(b"x\n")
        client.half_close()
        assert await end.rest() == b"x\n"
        if late:
            assert await client.ended() == "closed"
            return
        for _ in range(2):
            await trio.sleep(0.3)
            await end.send(b"made of it\n")
            assert await client.take(11) == b"made of it\n"
        end.close()
        assert await client.ended() == "closed"
        await house.idle()
