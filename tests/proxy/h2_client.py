"""A client that speaks HTTP/2, in a test's hand: h2 on a plain socket, which stands for TLS's."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

from rpx.http.forwarded import forwarding
from rpx.hub.error_boundary import contain_errors
from rpx.proxy.multiplex import Multiplex
from rpx.proxy.sockets import Wire
from tests.proxy.house import HOST, House, until
from tests.support.raw import SOON, Raw

E = TypeVar("E", bound=Event)
Fields = list[tuple[bytes, bytes]]


@dataclass
class Got:
    """What has come on one stream."""

    head: dict[bytes, bytes] = field(default_factory=dict)
    fields: Fields = field(default_factory=list)
    interim: list[dict[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    ended: bool = False
    reset: int | None = None

    @property
    def status(self) -> int:
        return int(self.head[b":status"])


class Client:
    """One connection. `window` False: nothing that comes is acknowledged."""

    def __init__(self, sock: trio.socket.SocketType) -> None:
        self.sock = sock
        self.h2 = H2Connection(
            H2Configuration(
                client_side=True,
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
            )
        )
        self.acknowledges = True
        self.events: list[Event] = []
        self.streams: dict[int, Got] = {}
        self.goaways: list[tuple[int, int]] = []  # last stream and code
        self.ended = False

    async def flush(self) -> None:
        """Send what h2 has."""
        with trio.fail_after(SOON):
            data = memoryview(self.h2.data_to_send())
            while data:
                data = data[await self.sock.send(data) :]

    def fill(self, number: int, most: int) -> int:
        """Use a stream's window, for at most so many bytes; return how many there were."""
        sent = 0
        while size := min(self.h2.local_flow_control_window(number), 16384, most - sent):
            self.h2.send_data(number, bytes(size))
            sent += size
        return sent

    async def raw(self, data: bytes) -> None:
        """Send bytes that h2 would not."""
        await self.flush()
        with trio.fail_after(SOON):
            view = memoryview(data)
            while view:
                view = view[await self.sock.send(view) :]

    async def ask(
        self,
        path: str = "/",
        *fields: tuple[str, str],
        method: str = "GET",
        host: str = HOST,
        end: bool = True,
        body: bytes | None = None,
    ) -> int:
        """Send a request; return the number of its stream."""
        head = [
            (":method", method),
            (":scheme", "https"),
            (":authority", host),
            (":path", path),
            *fields,
        ]
        return await self.ask_with(head, end=end, body=body)

    async def ask_with(
        self, head: Sequence[tuple[str, str]], *, end: bool = True, body: bytes | None = None
    ) -> int:
        """Send exactly these fields."""
        number = self.h2.get_next_available_stream_id()
        self.streams[number] = Got()
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head]
        self.h2.send_headers(number, raw, end_stream=end and body is None)
        if body is not None:
            self.h2.send_data(number, body, end_stream=end)
        await self.flush()
        return number

    async def until(self, true: Callable[[], object], what: str = "it has not come") -> None:
        """Take what comes until something is true."""
        with trio.move_on_after(SOON) as wait:
            while not true():
                assert not self.ended, f"the connection has ended, and still: {what}"
                await self.take()
        assert not wait.cancelled_caught, f"after {SOON} s still: {what}"

    async def take(self) -> None:
        """Take what comes next."""
        try:
            data = await self.sock.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return
        data = self._without_goaways(data)
        for event in self.h2.receive_data(data):
            self.events.append(event)
            self._note(event)
        await self.flush()

    async def settled(self) -> None:
        """Wait until the settings of the other side are known and acknowledged."""
        await self.until(lambda: self.h2.remote_settings.max_concurrent_streams == 100)

    async def answer(self, number: int) -> Got:
        """Return what has come on a stream once it has ended, one way or another."""
        got = self.streams[number]
        await self.until(lambda: got.ended or got.reset is not None, f"{number} has not ended")
        return got

    async def goaway(self) -> tuple[int, int]:
        """Return the next GOAWAY: last stream and code."""
        await self.until(lambda: self.goaways, "no GOAWAY")
        return self.goaways.pop(0)

    async def end(self) -> None:
        """Wait for the end of the connection."""
        with trio.fail_after(SOON):
            while not self.ended:
                await self.take()

    def _without_goaways(self, data: bytes) -> bytes:
        """To h2 a GOAWAY is the end, though streams under way go on."""
        at = data.find(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00")
        while at >= 0:
            last, code = data[at + 9 : at + 13], data[at + 13 : at + 17]
            self.goaways.append((int.from_bytes(last, "big"), int.from_bytes(code, "big")))
            data = data[:at] + data[at + 17 :]
            at = data.find(b"\x00\x00\x08\x07\x00\x00\x00\x00\x00")
        return data

    def _note(self, event: Event) -> None:
        number = getattr(event, "stream_id", None)
        if number in self.streams:
            self._note_on(self.streams[number], event)

    def _note_on(self, got: Got, event: Event) -> None:
        match event:
            case InformationalResponseReceived():
                got.interim.append(dict(event.headers))
            case ResponseReceived():
                got.fields, got.head = list(event.headers), dict(event.headers)
            case DataReceived():
                got.body += event.data
                if self.acknowledges:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case TrailersReceived():
                got.trailers = list(event.headers)
            case StreamEnded():
                got.ended = True
            case StreamReset():
                got.reset = int(event.error_code)
            case _:
                pass


@asynccontextmanager
async def client(
    house: House,
    *,
    greet: bool = True,
    window: int = 0,
    surplus: bool = False,
    named: str | None = None,
) -> AsyncIterator[Client]:
    """Connect. `greet`: say the preface, and have the server's settings. `named`: as by TLS."""
    ours, theirs = socket.socketpair()
    if window:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, window)
    theirs.setblocking(False)
    shared = house.shared
    await until(lambda: shared.reactor._tasks, "the server has not begun")
    peer = forwarding("127.0.0.1", "https")
    wire = Wire(theirs, shared.reactor)
    multiplex = Multiplex(shared, wire, peer, surplus=surplus, named=named)
    shared.reactor.begin(contain_errors(shared.report, multiplex.serve))
    end = Client(trio.socket.from_stdlib_socket(ours))
    try:
        if greet:
            end.h2.initiate_connection()
            await end.flush()
        yield end
    finally:
        end.sock.close()


async def asked(end: Raw) -> bytes:
    """Return the next request that a backend gets."""
    request = await end.request()
    assert request is not None
    return request
