"""A backend that speaks HTTP/2 without TLS, in a test's hand: h2 as a server on a socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.settings import SettingCodes, Settings

from rpx.model.address import Address
from tests.support.raw import SOON

Fields = list[tuple[str, str]]
PLAIN: Fields = [(":status", "200"), ("content-type", "text/plain")]


@dataclass
class Asked:
    """What has come on one stream."""

    number: int
    head: dict[str, str] = field(default_factory=dict)
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    ended: bool = False
    reset: int | None = None


class BackendPeer:
    """One connection of rpx to the backend."""

    def __init__(self, sock: trio.socket.SocketType, settings: dict[SettingCodes, int]) -> None:
        self.sock = sock
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="latin-1"))
        self.h2.local_settings = Settings(client=False, initial_values=settings)
        self.h2.initiate_connection()
        self.acknowledges = True
        self.asked: dict[int, Asked] = {}
        self._fresh: list[Asked] = []
        self.settled = False  # rpx's settings have come
        self.ended = False

    async def request(self) -> Asked:
        """Return the next request, as soon as its head has come."""
        await self.until(lambda: self._fresh, "no request")
        return self._fresh.pop(0)

    async def whole(self) -> Asked:
        """Return the next request, once all of it has come."""
        asked = await self.request()
        await self.until(lambda: asked.ended, "the request has not ended")
        return asked

    async def head(self, asked: Asked, fields: Fields = PLAIN, *, end: bool = False) -> None:
        """Send the head of an answer, or trailers."""
        self.h2.send_headers(asked.number, fields, end_stream=end)
        await self.flush()

    async def data(self, asked: Asked, data: bytes, *, end: bool = False) -> None:
        """Send some of the body, as windows allow."""
        while True:
            size = min(self.h2.local_flow_control_window(asked.number), 16384, len(data))
            if size or not data:
                self.h2.send_data(asked.number, data[:size], end_stream=end and size == len(data))
                data = data[size:]
                await self.flush()
                if not data:
                    return
            else:
                await self.take()

    async def answer(self, asked: Asked, body: bytes = b"ok", trailers: Fields = []) -> None:  # noqa: B006 - it is only read
        """Send a whole answer."""
        await self.head(asked)
        await self.data(asked, body, end=not trailers)
        if trailers:
            await self.head(asked, trailers, end=True)

    async def reset(self, asked: Asked, code: int) -> None:
        """End a stream with an error."""
        self.h2.reset_stream(asked.number, code)
        await self.flush()

    async def goaway(self, last: int, code: int = 0) -> None:
        """Say goodbye, though h2 goes on."""
        await self.flush()
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        await self.sock.send(b"\0\0\x08\x07\0\0\0\0\0" + payload)

    async def until(self, true: Callable[[], object], what: str) -> None:
        """Take what comes until something is true."""
        with trio.move_on_after(SOON) as wait:
            while not true():
                assert not self.ended, f"the connection has ended, and still: {what}"
                await self.take()
        assert not wait.cancelled_caught, f"after {SOON} s still: {what}"

    async def end(self) -> None:
        """Wait for the end of the connection."""
        with trio.fail_after(SOON):
            while not self.ended:
                await self.take()

    async def take(self) -> None:
        """Take what comes next."""
        try:
            data = await self.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return
        for event in self.h2.receive_data(data):
            self._note(event)
        await self.flush()

    async def flush(self) -> None:
        """Send what h2 has."""
        data = memoryview(self.h2.data_to_send())
        while data:
            data = data[await self.sock.send(data) :]

    def _note(self, event: Event) -> None:
        match event:
            case RequestReceived():
                fields = [(str(name), str(value)) for name, value in event.headers]
                asked = Asked(event.stream_id, dict(fields), fields)
                self.asked[asked.number] = asked
                self._fresh.append(asked)
            case DataReceived():
                self.asked[event.stream_id].body += event.data
                if self.acknowledges:
                    size = event.flow_controlled_length
                    self.h2.acknowledge_received_data(size, event.stream_id)
            case TrailersReceived():
                found = [(str(name), str(value)) for name, value in event.headers]
                self.asked[event.stream_id].trailers = found
            case StreamEnded():
                self.asked[event.stream_id].ended = True
            case StreamReset():
                self.asked[event.stream_id].reset = int(event.error_code)
            case RemoteSettingsChanged():
                self.settled = True
            case _:
                pass

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


class H2Origin:
    """Listens. `address` is what a backend's is to be."""

    def __init__(self, listener: trio.socket.SocketType, settings: dict[SettingCodes, int]) -> None:
        self._listener = listener
        self._settings = settings
        self.peers: list[BackendPeer] = []
        self.address = Address("127.0.0.1", listener.getsockname()[1], h2c=True)

    async def accept(self) -> BackendPeer:
        """Return the next connection, which has our settings."""
        with trio.fail_after(SOON):
            sock, _ = await self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = BackendPeer(sock, self._settings)
        self.peers.append(peer)
        await peer.flush()
        return peer

    @asynccontextmanager
    async def answering(self, body: bytes = b"ok") -> AsyncIterator[None]:
        """Answer every request of every connection from now on."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve_all, nursery, body)
            yield
            nursery.cancel_scope.cancel()

    async def _serve_all(self, nursery: trio.Nursery, body: bytes) -> None:
        while True:
            sock, _ = await self._listener.accept()
            peer = BackendPeer(sock, self._settings)
            self.peers.append(peer)
            nursery.start_soon(self._serve, peer, body)

    async def _serve(self, peer: BackendPeer, body: bytes) -> None:
        await peer.flush()
        while not peer.ended:
            await peer.take()
            for asked in [each for each in peer.asked.values() if each.ended]:
                del peer.asked[asked.number]
                await peer.answer(asked, body)


@asynccontextmanager
async def h2_origin(*, streams: int = 100) -> AsyncIterator[H2Origin]:
    """Listen on a port of its own. `streams`: at the same time, of each connection."""
    listener = trio.socket.socket()
    await listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    found = H2Origin(listener, {SettingCodes.MAX_CONCURRENT_STREAMS: streams})
    try:
        yield found
    finally:
        listener.close()
        for peer in found.peers:
            peer.close()
