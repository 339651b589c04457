"""What passes for the wire of a stream: it brings the request's body, and takes the answer."""

from __future__ import annotations

from collections import deque
from typing import Final

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.fields import Asked
from rpx.http.frames import PROTOCOL_ERROR
from rpx.http.framing import CHUNKED, FramedReader
from rpx.http.grpc import is_grpc
from rpx.http.stream_state import StreamState
from rpx.proxy.gate import Gate
from rpx.proxy.outlet import WINDOW, Outlet
from rpx.proxy.wire import NEVER, Buffers, Cut, Nudged, WireCut

# A body without a length is sent on chunked, which some servers take for none (WSGI knows no other
# than a length). A small one has mostly come a moment after its head.
MOMENT: Final = 0.02  # seconds that its end gets
SMALL: Final = 65536  # bytes

PARTING: Final = 1.0  # seconds that a client has to end a request that is answered already
PIECE: Final = 65536  # bytes of a body that are sent on at once, if they have come


class StreamWire:
    """Passes for a wire.

    `wide`: its window is larger. `tunnel`: what is sent has no end of its own.
    """

    plain = False

    def __init__(self, outlet: Outlet, state: StreamState) -> None:
        self.stream = state
        self._outlet = outlet
        self.reader = FramedReader()
        self._come: deque[bytes] = deque()
        self._taken = 0  # bytes of what has come, while it is not `wide`
        self._trailers = b""
        self._news: Gate | None = None  # for who waits to read
        self._cut: Cut | None = None
        self._left = CHUNKED  # bytes of the answer's body, once it is known that they are counted
        self.deadline = NEVER
        self.stuck = NEVER  # since when its window is closed, and something waits to be sent
        self.nudged = False
        self.wide = False
        self.tunnel = False
        self.code: int | None = None  # with which it breaks off, if its backend has said one

    @property
    def ended(self) -> bool:
        """The client has sent all."""
        return self.stream.heard

    @property
    def done(self) -> bool:
        """And it has got all."""
        return self.stream.said

    # ---- what the connection tells

    def arrived(self, data: bytes) -> None:
        """A piece of the request's body has come."""
        self._come.append(data)
        self._tell()

    def end(self, trailers: bytes = b"") -> None:
        """The request has ended."""
        self._trailers = trailers
        self._tell()

    def refuse(self) -> None:
        """It has ended as no request may."""
        self._outlet.refuse(self.stream, PROTOCOL_ERROR)

    # ---- what the exchange asks for

    def at_hand(self) -> bytes:
        """Return what has come, or the first of it; the client may send as much again."""
        come = self._come
        data = come.popleft() if come else b""
        if come and len(data) < PIECE:  # joining large ones costs more than taking them singly
            pieces, size = [data], len(data)
            while come and size < PIECE:
                pieces.append(come.popleft())
                size += len(pieces[-1])
            data = b"".join(pieces)
        if data:
            self._credit(len(data))
        if self.ended and not come:
            self.reader.end(self._trailers)
        return data

    def _credit(self, size: int) -> None:
        self._outlet.credit(self.stream, size)
        if not self.wide:
            self._taken += size
            # Its backend takes all that may come at once, so more may.
            self.wide = self._taken > WINDOW and not self.ended and self._outlet.widen(self.stream)

    async def receive(self) -> bytes:
        """Return what there is, at least one byte; b"" at the end. Raises: WireCut, Nudged."""
        while True:
            self.check()
            data = self.at_hand()
            if data or self.ended:
                return data
            if self.nudged:
                self.nudged = False
                raise Nudged
            await self._something()

    expect = receive

    async def _something(self) -> None:
        """Wait for what makes a difference to who reads."""
        if self._news is None:
            self._news = Gate(self._outlet.reactor)
        await self._news.wait()

    def give_way_soon(self) -> None:
        """As of a wire. (Who reads the connection has given way.)"""

    async def counted_soon(self, asked: Asked) -> Asked:
        """Wait a moment for the end of a body; return the head, with its length if that is known.

        Trailers need chunks, and gRPC nothing of either. Raises: WireCut.
        """
        if any(name == b"content-type" and is_grpc(value) for name, value in asked.lines):
            return asked
        if not self.ended:
            async with self._outlet.reactor.task():
                with trio.move_on_after(MOMENT):
                    while not self.ended and sum(map(len, self._come)) <= SMALL:
                        self.check()
                        await self._something()
        if not self.ended or self._trailers:
            return asked
        return asked._replace(length=sum(map(len, self._come)))

    async def send_head(self, head: AnswerHead, pieces: Buffers, end: bytes | None) -> None:
        """As Client.send_head. Raises: WireCut."""
        if head.status == 101:
            self.tunnel = True
        elif head.status >= 200:
            self._left = head.length
        await self._send(head, pieces, end)

    async def send(self, data: bytes) -> None:
        """Send a piece of a body, or of what a tunnel carries. Raises: WireCut."""
        await self._send(None, [data], None)

    async def send_pieces(self, pieces: Buffers, end: bytes | None = None) -> None:
        """Send pieces of a body; `end` as of Client.send_body. Raises: WireCut."""
        await self._send(None, pieces, end)

    async def _send(self, head: AnswerHead | None, pieces: Buffers, end: bytes | None) -> None:
        last = end is not None
        if self._left >= 0:
            self._left -= sum(map(len, pieces))
            last = not self._left
        await self._outlet.send(self, head, pieces, end or b"", end=last)

    async def linger(self) -> None:
        """The client has its answer, and still sends: let it come to an end, for nobody.

        A reset may follow a whole answer (RFC 9113 §8.1), but clients that meet both at once may
        take the answer for lost, as curl 7.88 does. Raises: WireCut.
        """
        async with self._outlet.reactor.task():
            with trio.move_on_after(PARTING):
                while not self.ended:
                    await self.receive()

    async def finish_sending(self) -> None:
        """A tunnel has ended in this direction."""
        if not self.done:
            await self._outlet.send(self, None, [], b"", end=True)

    def takes_nothing(self, now: float, patience: float) -> bool:
        """As of a wire."""
        return now - self.stuck > patience

    def nudge(self) -> None:
        """Let whoever reads have Nudged."""
        self.nudged = True
        self._tell()

    def cut(self, why: Cut) -> None:
        """End it: whoever reads or writes has WireCut."""
        if self._cut is None:
            self._cut = why
            self._tell()
            self._outlet.wake()

    def check(self) -> None:
        """Raises: WireCut if it is cut."""
        if self._cut is not None:
            raise WireCut(self._cut)

    def _tell(self) -> None:
        if self._news is not None:
            self._news.let_on()
