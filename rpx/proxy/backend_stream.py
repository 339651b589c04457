"""One request to a backend on a connection that others share: a stream of HTTP/2.

To its exchange it passes for a wire of HTTP/1.1, as a stream of a client does for a connection
(docs/adr/0014): heads are as HTTP/1.1 has them, on both ways, and a body ends with the stream.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Protocol

import trio

from rpx.http.backend_heads import fields_to_backend, head_from_backend
from rpx.http.client_session import ClientSession
from rpx.http.fields import Malformed, read_trailers
from rpx.http.frames import CANCEL, PROTOCOL_ERROR
from rpx.http.framing import sound_trailers
from rpx.http.hpack import Fields
from rpx.http.limits import BadMessage
from rpx.http.memory import ResponseMemory
from rpx.http.stream_state import NOBODY, StreamState
from rpx.hub.seats import Seat
from rpx.policy.retry import Failure
from rpx.proxy.gate import Gate
from rpx.proxy.outlet import AHEAD, WINDOW, Outlet
from rpx.proxy.reactor import MOMENT, Reactor
from rpx.proxy.wire import NEVER, Body, Buffers, Cut, NotSent, Nudged, WireCut

PIECE: Final = 65536  # bytes of a body that are handed on at once, if they have come
HEADS: Final = 100  # that wait to be taken: a backend that only ever says 103 is broken


class Carrier(Protocol):
    """The connection of a stream."""

    session: ClientSession
    outlet: Outlet
    reactor: Reactor
    seat: Seat
    memory: ResponseMemory
    scheme: bytes
    fault: OSError | None
    leaving: bool

    def left(self) -> None:
        """A request on it is over."""


class BackendStream:
    """Passes for a wire to a backend. It begins with `ask`.

    `reused`: its connection was at rest before the request came, which has no answer yet.
    """

    plain = False

    def __init__(self, carrier: Carrier, *, used: bool, rested: bool) -> None:
        """`used`: the connection has carried requests before; `rested`: and carried none then."""
        self._carrier = carrier
        self._used = used
        self._outlet = carrier.outlet
        self.stream = StreamState(0, 0, 0)  # until it begins
        self.reused = used and rested
        self.seat = carrier.seat
        self.memory = carrier.memory
        self.deadline = NEVER
        self.stuck = NEVER  # since when its window is closed, and something waits to be sent
        self.nudged = False
        self.wide = False
        self.tunnel = False
        self.code: int | None = None  # with which the backend has reset it
        self._come: deque[bytes] = deque()  # heads, and then pieces of the body
        self._heads = 0  # how many of them are heads
        self._taken = 0  # bytes of the body, while it is not `wide`
        self._trailers = b""
        self._over: Exception | None = None  # why nothing more comes, but for its regular end
        self._refused = False  # the backend has done nothing with it
        self._deaf = False  # and takes no more of it
        self._cut: Cut | None = None
        self._news: Gate | None = None  # for who waits to read

    # ---- what an exchange says

    async def ask(self, head: bytes, body: Body | None) -> None:
        """As Wire.ask. Raises: OSError (NotSent if the backend has seen nothing), WireCut."""
        carrier = self._carrier
        session = carrier.session
        self.check()
        while session.waiting >= AHEAD and carrier.fault is None:  # else nobody writes any more
            await self._outlet.turn()
            self.check()
        if carrier.fault is not None or not session.spare:
            self._refused = True
            raise NotSent
        data = b"" if body is None else b"".join(body.pieces)
        end = b"" if body is None else body.end
        last = end == b"" and not data
        self.stream = session.begin(self, tuple(fields_to_backend(head, carrier.scheme)), end=last)
        self._outlet.tell()
        if data or (end is not None and not last):
            await self._send(data, end)

    async def send_body(self, body: Body, pieces: Buffers) -> None:
        """As Wire.send_body. Raises: OSError, WireCut."""
        await self._send(pieces[0] if len(pieces) == 1 else b"".join(pieces), body.end)

    async def send(self, data: bytes) -> None:
        """Send what a tunnel carries. Raises: OSError, WireCut."""
        await self._send(data, None)

    async def send_pieces(self, pieces: Buffers) -> None:
        """Likewise."""
        await self._send(b"".join(pieces), None)

    async def finish_sending(self) -> None:
        """A tunnel has ended in this direction. Raises: OSError, WireCut."""
        if not self.stream.said:
            await self._send(b"", b"")

    async def _send(self, data: bytes, end: bytes | None) -> None:
        """`end`: the trailers behind `data`, which is the last."""
        self.check()
        session, state = self._carrier.session, self.stream
        if not end and len(data) <= min(AHEAD - session.waiting, session.room, state.room):
            if data or end is not None:
                session.say_data(state, data, end=end is not None)
                self._outlet.tell()
            return
        await self._outlet.send(self, None, [data], end or b"", end=end is not None)

    # ---- what it hears

    @property
    def end(self) -> bytes | None:
        """The trailers, once the whole body has been received."""
        if self._come or self._over is not None or not self.stream.heard:
            return None
        return self._trailers

    async def receive(self) -> bytes:
        """Return the next head, or else what there is of the body; b"" at its end.

        Raises: OSError, WireCut, Nudged; BadMessage for a head that is none.
        """
        while True:
            if self._cut is not None:
                raise WireCut(self._cut)
            if self._come:
                return self._at_hand()
            if self._over is not None:
                raise self._over
            if self.stream.heard:
                return b""
            if self.nudged:
                self.nudged = False
                raise Nudged
            if self._news is None:
                self._news = Gate(self._carrier.reactor)
            await self._news.wait()

    expect = receive

    async def receive_soon(self) -> bytes | None:
        """As Wire.receive_soon. Raises: OSError, WireCut."""
        if self._come or self._over is not None or self.stream.heard:
            return await self.receive()
        async with self._carrier.reactor.task():
            with trio.move_on_after(MOMENT):
                return await self.receive()
        return None

    def _at_hand(self) -> bytes:
        come = self._come
        data = come.popleft()
        if self._heads:
            self._heads -= 1
            return data
        if come and len(data) < PIECE:  # joining large ones costs more than taking them singly
            pieces, size = [data], len(data)
            while come and size < PIECE:
                pieces.append(come.popleft())
                size += len(pieces[-1])
            data = b"".join(pieces)
        self._outlet.credit(self.stream, len(data))
        if not self.wide:
            self._taken += len(data)
            # Its client takes all that may come at once, so more may.
            self.wide = self._taken > WINDOW and self._outlet.widen(self.stream)
        return data

    # ---- what the session tells

    def head_came(self, fields: Fields) -> None:
        """The head of its answer, or an interim one."""
        self.reused = False
        try:
            head = head_from_backend(fields)
        except Malformed as fault:
            self._refuse_answer(f"It has {fault}.")
            return
        if self._heads == HEADS:
            self._refuse_answer("It sends interim answers without end.")
            return
        self._come.append(head)
        self._heads += 1
        self._tell()

    def _refuse_answer(self, why: str) -> None:
        self._deaf = True  # nothing may be sent behind a reset (RFC 9113 §6.4)
        self._carrier.session.say_reset(self.stream, PROTOCOL_ERROR)
        self._fail(BadMessage(502, why))

    def data_came(self, data: bytes) -> None:
        """A piece of the body."""
        self._come.append(data)
        self._tell()

    def end_came(self, trailers: Fields) -> None:
        """That was all."""
        try:
            if trailers:
                self._trailers = sound_trailers(read_trailers(trailers), 502)
        except (Malformed, BadMessage):
            self._over = ConnectionResetError("its trailers are none")
        self._tell()

    def reset_came(self, code: int, *, refused: bool) -> None:
        """The backend takes no more of it, and says no more."""
        self._refused = refused
        self.code = code
        self.lost()

    def lost(self) -> None:
        """Its connection has ended, or what was left of the stream."""
        self._deaf = True
        if not self.stream.heard:  # else its answer is whole (RFC 9113 §8.1)
            self._fail(ConnectionResetError("the backend has ended it"))
        self._outlet.wake()

    def _fail(self, why: Exception) -> None:
        if self._over is None:
            self._over = why
        self._tell()

    # ---- how it ends

    def broken(self) -> Failure:
        """Return what it means that no answer has come here."""
        if self._refused:  # on a connection that has ended, or on one that goes on
            ended = self._used and self._carrier.leaving
            return Failure.UNSEEN if ended else Failure.REFUSING
        if self.reused:
            return Failure.BROKEN_REUSED
        return Failure.BROKEN_FRESH if self.code is None else Failure.RESET

    def check(self) -> None:
        """Raises: WireCut if it is cut, OSError if the backend takes no more."""
        if self._cut is not None:
            raise WireCut(self._cut)
        if self._deaf:
            raise ConnectionResetError

    def cut(self, why: Cut) -> None:
        """End it from outside its exchange, which gets WireCut where it waits."""
        if self._cut is None:
            self._cut = why
            self._tell()
            self._outlet.wake()

    def drop(self) -> None:
        """The exchange is over: let the backend know, if that isn't said yet."""
        state, outlet = self.stream, self._outlet
        state.receiver = NOBODY
        while self._come:  # it may send as much on other streams
            size = len(self._come.popleft())
            if self._heads:
                self._heads -= 1
            else:
                outlet.credit(state, size)
        outlet.narrow(self)
        if not (state.said and state.heard):
            self._carrier.session.say_reset(state, CANCEL)
            outlet.tell()
        self._carrier.left()

    def takes_nothing(self, now: float, patience: float) -> bool:
        """As Wire.takes_nothing."""
        return now - self.stuck > patience

    def nudge(self) -> None:
        """As Wire.nudge."""
        self.nudged = True
        self._tell()

    async def give_way(self) -> None:
        """As Wire.give_way."""
        await self._carrier.reactor.give_way()

    def give_way_soon(self) -> None:
        """As of a wire. (Who reads the connection gives way.)"""

    def acknowledge(self) -> None:
        """As of a wire. (Nothing waits for an ACK: the connection is read all the time.)"""

    def _tell(self) -> None:
        if self._news is not None:
            self._news.let_on()
