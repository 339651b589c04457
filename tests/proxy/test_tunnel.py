"""Tunnels: what is spoken passes untouched, and a WebSocket is told when rpx goes down."""

from __future__ import annotations

import gc
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import pytest
import trio
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from rpx.http.websocket import GOING_AWAY, close_frame
from rpx.proxy import tunnel
from tests.proxy.house import HOST, House, get, running, until
from tests.support.origin import OK, answers, origin
from tests.support.raw import SOON, Raw

ASK = get("/", "Upgrade: websocket", "Connection: upgrade")
SWITCH = b"HTTP/1.1 101 Fine\r\nUpgrade: WebSocket\r\nConnection: upgrade\r\n\r\n"
GOODBYE = close_frame(GOING_AWAY)
MASK = b"mask"
SMALL = b"\x82\x85" + MASK + b"hello"
LARGE = b"\x82\xfe\x01\x2c" + MASK + b"x" * 300
ANSWER = b"\x82\x05hello"
FAREWELL = tunnel.FAREWELL


@pytest.fixture(autouse=True)
def _farewell_takes_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than a busy machine takes for anything: what waits for its end is seen to."""
    monkeypatch.setattr(tunnel, "FAREWELL", 2 * SOON)


@dataclass
class Ends:
    """A tunnel through rpx, both of its ends in the test's hand."""

    house: House
    client: Raw
    backend: Raw

    async def passes(self, source: Raw, data: bytes) -> None:
        """Send on one end; it comes out at the other as it is."""
        target = self.backend if source is self.client else self.client
        await source.send(data)
        assert await target.take(len(data)) == data

    async def down(self) -> None:
        self.house.stop()
        await until(lambda: self.house.drains, "rpx does not go down")

    async def gone(self, within: float = SOON) -> None:
        with trio.fail_after(within):
            await self.house.done.wait()


@asynccontextmanager
async def tunnelled(window: int = 0) -> AsyncIterator[Ends]:
    async with origin(window=window) as backend, running(backend) as house:
        client = await house.client(window=window)
        await client.send(ASK)
        end = await backend.accept()
        await end.request()
        await end.send(SWITCH)
        await client.until(b"\r\n\r\n")
        yield Ends(house, client, end)


async def hear_goodbye(raw: Raw, *, masked: bool) -> None:
    """The next thing is a Close with 1001, masked on the way to the backend."""
    if masked:
        found = await raw.take(8)
        assert found == close_frame(GOING_AWAY, found[2:6])
    else:
        assert await raw.take(4) == GOODBYE


async def test_both_sides_of_a_websocket_are_told_that_rpx_goes_away() -> None:
    async with tunnelled() as ends:
        await ends.passes(ends.client, SMALL)
        await ends.passes(ends.backend, ANSWER)
        await ends.down()
        await hear_goodbye(ends.client, masked=False)
        await hear_goodbye(ends.backend, masked=True)
        await ends.client.send(close_frame(GOING_AWAY, MASK))
        await ends.backend.send(GOODBYE)
        await ends.gone()
        assert await ends.client.ended() == "closed"
        assert await ends.backend.ended() == "closed"


async def test_the_mask_is_another_one_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tunnel, "FAREWELL", 0.05)
    seen = set()
    for _ in range(4):
        async with tunnelled() as ends:
            await ends.down()
            await hear_goodbye(ends.client, masked=False)
            seen.add((await ends.backend.take(8))[2:6])
    assert len(seen) == 4


@pytest.mark.parametrize("cut", [1, 2, 3, 6, 9, 307])
async def test_a_frame_that_has_begun_is_carried_to_its_end_before(cut: int) -> None:
    async with tunnelled() as ends:
        await ends.passes(ends.client, SMALL * 3 + LARGE[:cut])
        await ends.passes(ends.backend, ANSWER * 2 + ANSWER[:1])
        await ends.down()
        await ends.client.send(LARGE[cut:] + SMALL)  # of which only the first is still carried
        assert await ends.backend.take(len(LARGE) - cut) == LARGE[cut:]
        await hear_goodbye(ends.backend, masked=True)
        await ends.backend.send(ANSWER[1:])
        assert await ends.client.take(len(ANSWER) - 1) == ANSWER[1:]
        await hear_goodbye(ends.client, masked=False)
        await ends.client.send(close_frame(GOING_AWAY, MASK))
        await ends.backend.send(GOODBYE)
        await ends.gone()


async def test_what_is_being_sent_is_sent_before() -> None:
    size = 8_000_000
    data = b"\x82\x7f" + (size - 10).to_bytes(8, "big") + b"x" * (size - 10)
    async with tunnelled(window=65536) as ends:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ends.backend.send, data)
            await until(lambda: ends.house.backends[0].lasting, "no tunnel")
            await ends.client.more(1000)
            await ends.down()
            assert await ends.client.take(size) == data
            await hear_goodbye(ends.client, masked=False)
            await ends.client.send(close_frame(GOING_AWAY, MASK))
            await hear_goodbye(ends.backend, masked=True)
            await ends.backend.send(GOODBYE)
        await ends.gone()


async def test_a_side_that_does_not_answer_is_left_within_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert FAREWELL <= 1
    monkeypatch.setattr(tunnel, "FAREWELL", FAREWELL)
    async with tunnelled() as ends:
        await ends.passes(ends.client, SMALL[:3])  # the rest of which never comes
        await ends.down()
        await hear_goodbye(ends.client, masked=False)
        began = trio.current_time()
        await ends.gone()
        assert trio.current_time() - began > 0.7
        assert await ends.backend.ended() == "closed"


async def test_a_direction_that_was_closed_already_gets_no_second_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tunnel, "FAREWELL", 0.1)
    async with tunnelled() as ends:
        await ends.passes(ends.client, close_frame(1000, MASK))
        await ends.down()
        await hear_goodbye(ends.client, masked=False)
        await ends.gone()
        assert await ends.backend.ended() == "closed"


async def test_a_websocket_that_begins_only_then_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tunnel, "FAREWELL", 0.1)
    async with origin() as backend, running(backend) as house:
        client = await house.client()
        await client.send(ASK)
        end = await backend.accept()
        await end.request()
        house.stop()
        await until(lambda: house.drains, "rpx does not go down")
        await end.send(SWITCH + ANSWER)
        await client.until(b"\r\n\r\n")
        assert await client.take(len(ANSWER)) == ANSWER
        await hear_goodbye(client, masked=False)
        await hear_goodbye(end, masked=True)


async def test_one_side_that_has_left_before_does_not_hinder_the_others_goodbye() -> None:
    async with tunnelled() as ends:
        ends.client.half_close()
        assert await ends.backend.ended() == "closed"
        await ends.passes(ends.backend, ANSWER)
        await ends.down()
        await hear_goodbye(ends.client, masked=False)
        await ends.backend.send(GOODBYE)
        await ends.gone()


async def test_out_of_patience_nobody_is_waited_for() -> None:
    async with tunnelled() as ends:
        await ends.down()
        ends.house.patience.lose()
        await ends.gone()


@pytest.mark.parametrize("first", ["client", "backend"])
async def test_when_one_side_is_gone_a_silent_other_is_left_within_a_second(first: str) -> None:
    async with tunnelled() as ends:
        gone, other = ends.client, ends.backend
        if first == "backend":
            gone, other = other, gone
        began = trio.current_time()
        gone.half_close()
        assert await other.ended() == "closed"
        assert trio.current_time() - began < 0.5
        assert await gone.ended() == "closed"
        await ends.house.idle()
        assert trio.current_time() - began < 1.5


# ---- the same as real programs see it


def echo(websocket: ServerConnection) -> None:
    for message in websocket:
        websocket.send(message)


@contextmanager
def echoing(handler: Callable[[ServerConnection], None] = echo) -> Iterator[int]:
    """A WebSocket server on a port of its own, of which nothing is left at the end."""
    before = set(threading.enumerate())
    with serve(handler, "127.0.0.1", 0, max_size=None) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.socket.getsockname()[1]
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith("Trio"):
            thread.join(SOON)
    gc.collect()  # it leaves its epoll object to that, and other tests count descriptors


def visit(house: House, compression: str | None = "deflate") -> ClientConnection:
    sock = socket.create_connection(("127.0.0.1", house.port))
    url = f"ws://{HOST}:{house.port}/"
    return connect(url, sock=sock, compression=compression, max_size=None)


async def test_messages_of_all_kinds_pass_as_they_are() -> None:
    """RFC 6455 §5.4, RFC 7692: fragments, compressed or not, pings, 16 MiB, the code of a close."""

    def talk() -> None:
        with visit(house) as client:
            assert "permessage-deflate" in str(client.response and client.response.headers)
            for message in ("", "ä" * 100, b"\x00\xff" * 500, "a" * 200_000, os.urandom(200_000)):
                client.send(message)
                assert client.recv(SOON) == message
            client.send(["frag", "men", "ted"])
            assert client.recv(SOON) == "fragmented"
            assert client.ping().wait(SOON)
            client.close(4321, "a reason")
            assert (client.close_code, client.close_reason) == (4321, "a reason")
        with visit(house, compression=None) as client:
            client.send(large := os.urandom(16 << 20))
            assert client.recv(SOON) == large

    with echoing() as port:
        async with running(port) as house:
            await trio.to_thread.run_sync(talk)


async def test_the_code_of_a_close_from_the_backend_reaches_the_client() -> None:
    def talk() -> None:
        with visit(house) as client, pytest.raises(ConnectionClosed):
            client.recv(SOON)
        assert (client.close_code, client.close_reason) == (4000, "enough")

    with echoing(lambda websocket: websocket.close(4000, "enough")) as port:
        async with running(port) as house:
            await trio.to_thread.run_sync(talk)


async def test_a_real_client_and_a_real_server_hear_1001_within_their_traffic() -> None:
    codes: list[int | None] = []
    started = threading.Event()

    def answer(websocket: ServerConnection) -> None:
        try:
            echo(websocket)
        finally:
            codes.append(websocket.close_code)

    def talk() -> None:
        with visit(house) as client:
            try:
                for number in range(1_000_000):
                    client.send(str(number))
                    assert client.recv(SOON) == str(number)
                    started.set()
            except ConnectionClosed:
                codes.append(client.close_code)

    with echoing(answer) as port:
        async with running(port) as house, trio.open_nursery() as nursery:
            nursery.start_soon(trio.to_thread.run_sync, talk)
            await until(started.is_set, "nothing is said")
            house.stop()
            with trio.fail_after(SOON):
                await house.done.wait()
    assert codes == [1001, 1001]


async def test_a_backend_that_dies_ends_its_tunnels_and_no_other() -> None:
    async with origin() as one, origin(answers(OK)) as two, running(one, two) as house:
        client, other = await house.client(), await house.client()
        await client.send(ASK)
        end = await one.accept()
        await end.request()
        await end.send(SWITCH + ANSWER)
        await client.until(ANSWER)
        end.reset()
        assert await client.ended() in {"closed", "reset"}
        await other.send(get())
        assert (await other.answer()).body == b"ok"
