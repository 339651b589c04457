"""What is written on an HTTP/2 connection: by one task, whatever the streams have to say.

Only it touches the socket, so that no stream can be cancelled within a frame of the connection.
A stream waits for its windows, and for its turn: little is kept here that isn't on its way.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol

import trio
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import StreamClosedError

from rpx.http.fields import Field
from rpx.http.frames import ENHANCE_YOUR_CALM, LARGEST, Flood, Intake, goaway
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import NEVER, Buffers, Cut, Nudged, WireCut

WINDOW: Final = 131072  # bytes of a request's body that wait here to be read
WIDER: Final = 917504  # and of one whose backend is fast, so many more: 1 MB in all
WIDE: Final = 8  # such streams at the same time
AHEAD: Final = 65536  # bytes that wait to be written, when no stream may add more


class Flow(Protocol):
    """A stream as far as its frames go. See StreamWire for what its attributes mean."""

    number: int
    stuck: float
    ended: bool
    done: bool
    wide: bool
    tunnel: bool

    def check(self) -> None:
        """Raise WireCut if it is cut."""


class Outlet:
    """Streams put heads and data into h2, and the writer takes out what that makes of them."""

    def __init__(self, wire: Wire, h2: H2Connection, intake: Intake, head: int) -> None:
        """`head`: bytes that the largest head may have."""
        self._wire = wire
        self._h2 = h2
        self._intake = intake
        self._out: Buffers = []  # to be written before what h2 has
        self._waiting = 0  # bytes of it
        self._most = head + 2 * AHEAD  # that wait: then there are too many replies
        self._news = trio.Event()  # there is something to be written
        self._room = trio.lowlevel.ParkingLot()  # for those who wait to add more
        self._opened = trio.Event()  # a window has, or somebody is to look up
        self._wide = 0  # streams with a larger window
        self.over = False

    async def send(
        self,
        flow: Flow,
        fields: list[Field] | None,
        pieces: Buffers,
        trailers: list[Field],
        *,
        end: bool,
    ) -> None:
        """Send a head, data and trailers, each if there are any; `end`: that was all.

        Raises: WireCut.
        """
        flow.check()
        last = end and not trailers
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if fields is not None:
            await self._send_head(flow, fields, end=last and not data)
        if data or (last and fields is None):
            await self._send_data(flow, data, last)
        if trailers:
            await self._send_head(flow, trailers, end=True)
        flow.done = end

    async def _send_head(self, flow: Flow, fields: list[Field], *, end: bool) -> None:
        while self.waiting() >= AHEAD:
            await self._turn()
            flow.check()
        self._h2.send_headers(flow.number, fields, end_stream=end)
        self.tell()

    async def _send_data(self, flow: Flow, data: bytes, end: bool) -> None:
        h2, number, at = self._h2, flow.number, 0
        while True:
            size = min(h2.local_flow_control_window(number), LARGEST, len(data) - at)
            if size > 0 and self.waiting() >= AHEAD:
                await self._turn()
            elif size > 0 or not data:
                piece = data[at : at + size] if size < len(data) else data
                at += len(piece)
                flow.stuck = NEVER
                h2.send_data(number, piece, end_stream=end and at == len(data))
                self._intake.progress()
                self.tell()
                if at == len(data):
                    return
            else:
                flow.stuck = min(flow.stuck, trio.current_time())
                await self._opened.wait()
            flow.check()

    async def _turn(self) -> None:
        """Wait for room; whoever is woken wakes the next one, if there is still some."""
        try:
            await self._room.park()
        finally:
            if self.waiting() < AHEAD:
                self._room.unpark()

    def waiting(self) -> int:
        """Return how many bytes wait to be written, whatever they are."""
        if data := self._h2.data_to_send():
            self._out.append(data)
            self._waiting += len(data)
        return self._waiting

    def credit(self, number: int, size: int) -> None:
        """So many bytes of a body have been taken: the client may send as many more."""
        if size and not self.over:
            self._h2.acknowledge_received_data(size, number)
            self.tell()

    def widen(self, number: int) -> bool:
        """Let a stream send more before it is read, if not too many may; tell whether it can."""
        if self._wide == WIDE or self.over:
            return False
        with suppress(StreamClosedError):
            self._h2.increment_flow_control_window(WIDER, number)
            self._wide += 1
            self.tell()
            return True
        return False

    def reset(self, number: int, code: ErrorCodes) -> None:
        """Tell the client that a stream has come to its end.

        It may have said so itself, in what h2 has read already and we are still to look at.
        """
        if not self.over:
            with suppress(StreamClosedError):
                self._h2.reset_stream(number, code)
            self.tell()

    def close(self, flow: Flow, *, told: bool) -> None:
        """A stream is over, for us: tell the client, unless one or both have said so."""
        self._wide -= flow.wide
        if told:
            return
        if not flow.done:
            self.reset(flow.number, ErrorCodes.CANCEL if flow.tunnel else ErrorCodes.INTERNAL_ERROR)
        elif not flow.ended:
            self.reset(flow.number, ErrorCodes.NO_ERROR)  # RFC 9113 §8.1: the rest isn't wanted

    def goaway(self, last: int, code: int) -> None:
        """Tell the client that streams above `last` won't be answered."""
        self.waiting()
        self._out.append(goaway(last, code))
        self.tell()

    def amend(self, last: int) -> None:
        """h2 has ended the connection with a GOAWAY, and knows nothing of those before it."""
        data = self._h2.data_to_send()
        named = int.from_bytes(data[-8:-4], "big")
        self._out.append(data[: -len(goaway(0, 0))])
        self.goaway(min(last, named), int.from_bytes(data[-4:], "big"))

    def wake(self) -> None:
        """A window has opened, or a stream has been cut: let those who wait look up."""
        self._opened.set()
        self._opened = trio.Event()
        self._room.unpark_all()

    def tell(self) -> None:
        """There is something to be written."""
        self._news.set()

    def reply(self) -> None:
        """h2 has taken what has come. Raises: Flood when the client reads none of our replies."""
        if self.waiting() > self._most:
            raise Flood(ENHANCE_YOUR_CALM, "too many replies wait")
        self.tell()

    def finish(self) -> None:
        """Nothing is read any more: write what there is, and then say goodbye."""
        self.over = True
        self.tell()

    async def write(self) -> None:
        """Write until `finish` was called, then let the client have its last word."""
        wire = self._wire
        try:
            over = False
            while not over:
                await self._news.wait()
                self._news = trio.Event()
                over = self.over
                while data := self._taken():
                    self._room.unpark()
                    await wire.send(data)
            await wire.finish_sending()
            wire.nudged = False
            while await wire.receive():  # unread data would turn our FIN into a reset
                pass
        except (OSError, WireCut, Nudged):
            wire.cut(Cut.GONE)  # for the reader to notice

    def _taken(self) -> bytes:
        self.waiting()
        out, self._out, self._waiting = self._out, [], 0
        return b"".join(out)
