"""Clients that leave while their backend takes nothing are let go, and so are such backends."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest
import trio

from rpx.model.own_settings import Timeouts
from rpx.proxy import sweeper
from rpx.proxy.departures import departed
from tests.proxy.h2_client import client as h2_client
from tests.proxy.house import HOST, get, running, until
from tests.support.origin import OK, origin
from tests.support.raw import Raw

SWITCH = b"HTTP/1.1 101 S\r\nUpgrade: %b\r\nConnection: upgrade\r\n\r\n"
UPLOAD = f"PUT / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000000\r\n\r\n".encode()
FRAME = b"\x82\xfe\xff\xff" + b"abcd" + bytes(65535)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeper, "STUCK", 0.2)


async def fill(peer: Raw, data: bytes, pause: float = 0.4) -> None:
    """Send until nobody takes more."""
    with suppress(OSError):
        while True:
            with trio.move_on_after(pause) as wait:
                view = memoryview(data)
                while view:
                    view = view[await peer.sock.send(view) :]
            if wait.cancelled_caught:
                return


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("protocol", ["websocket", "other"])
async def test_a_tunnel_whose_backend_takes_nothing_ends_with_its_client(
    protocol: str, reset: bool
) -> None:
    async with origin(window=4096) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", f"Upgrade: {protocol}", "Connection: upgrade"))
        end = await backend.accept()
        await end.request()
        await end.send(SWITCH % protocol.encode())
        await client.until(b"\r\n\r\n")
        await fill(client, FRAME)
        assert house.backends[0].in_flight == 1
        client.reset() if reset else client.close()
        await until(lambda: not house.backends[0].in_flight, "the tunnel stays")


@pytest.mark.parametrize("reset", [False, True])
async def test_so_does_an_upload(reset: bool) -> None:
    async with origin(window=4096) as backend, running(backend) as house:
        client = await house.client()
        await client.send(UPLOAD)
        await backend.accept()
        await fill(client, bytes(65536))
        assert house.backends[0].in_flight == 1
        client.reset() if reset else client.close()
        await until(lambda: not house.backends[0].in_flight, "the upload stays")
        assert house.backends[0].counts.errors == 0


async def test_so_does_a_stream_of_http2() -> None:
    async with origin(window=4096) as backend, running(backend) as house:
        async with h2_client(house) as peer:
            await peer.settled()
            number = await peer.ask(method="POST", end=False)
            for _ in range(60):
                peer.fill(number, 1_000_000)
                await peer.flush()
                with trio.move_on_after(0.1) as wait:
                    await peer.until(lambda: peer.h2.local_flow_control_window(number))
                if wait.cancelled_caught:
                    break
            peer.sock.close()
            await until(lambda: not house.backends[0].in_flight, "the stream stays")


async def test_who_only_pauses_is_kept() -> None:
    async with origin(window=4096) as backend, running(backend) as house:
        client = await house.client()
        await client.send(get("/", "Upgrade: websocket", "Connection: upgrade"))
        end = await backend.accept()
        await end.request()
        await end.send(SWITCH % b"websocket")
        await client.until(b"\r\n\r\n")
        await fill(client, FRAME, 1.5)
        assert house.backends[0].in_flight == 1
        with trio.move_on_after(0.5):
            while await end.more():
                end.buffer = b""
        await end.send(b"\x82\x01a")
        assert await client.take(3) == b"\x82\x01a"


async def test_a_backend_that_takes_nothing_for_too_long_is_left() -> None:
    limit = Timeouts(send=0.4)
    async with (
        origin(window=4096) as backend,
        running(backend, timeouts=limit) as house,
    ):
        client = await house.client()
        await client.send(UPLOAD)
        await backend.accept()
        await fill(client, bytes(65536))
        answer = await client.answer()
        assert answer.status == 504
        assert b"takes nothing of the request" in answer.body
        assert b"timeouts: {send" in answer.body
        await house.idle()


async def test_one_that_takes_little_is_not() -> None:
    limit = Timeouts(send=0.5)
    async with origin() as backend, running(backend, timeouts=limit) as house:
        client = await house.client()
        size = 8_000_000
        head = UPLOAD.replace(b"1000000000", b"%d" % size)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send, head + bytes(size))
            end = await backend.accept()
            await end.until(b"\r\n\r\n")
            for _ in range(40):
                await end.take(size // 40)
                await trio.sleep(0.03)
        await end.send(OK)
        assert (await client.answer()).status == 200


def test_who_has_left_is_told_from_who_has_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ends = [
            (socket.create_connection(listener.getsockname()), listener.accept()[0])
            for _ in range(4)
        ]
        (stays, _), (leaves, _), (says_all, _), (resets, _) = ends
        for _, ours in ends:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        leaves.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                leaves.send(bytes(65536))
        leaves.close()  # its FIN stays behind all that
        says_all.shutdown(socket.SHUT_WR)
        resets.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        resets.close()
        wires = [ours for _, ours in ends]
        assert departed([(each, False) for each in wires]) == [False, True, False, True]
        assert departed([(each, True) for each in wires]) == [False, True, True, True]
        for each in (stays, says_all, *wires):
            each.close()
        assert departed([(wires[0], True)]) == [False]
