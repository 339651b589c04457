"""One stream of an HTTP/2 connection: to its exchange, a client connection with one request.

Nothing on the path of a request asks for the version: an exchange hands heads and pieces of bodies
to whomever it answers.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections import deque
from collections.abc import Awaitable
from typing import Final

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.fields import (
    Asked,
    Malformed,
    accepts,
    read_trailers,
    request_of,
)
from rpx.http.forwarded import Forwarding
from rpx.http.frames import PROTOCOL_ERROR
from rpx.http.framing import CHUNKED, FramedReader
from rpx.http.head import RequestHead
from rpx.http.hpack import Fields
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.stream_state import StreamState
from rpx.proxy.answering import answer
from rpx.proxy.client import Client
from rpx.proxy.inlet import Renaming
from rpx.proxy.outlet import WINDOW, Outlet
from rpx.proxy.refusals import malformed
from rpx.proxy.shared import SharedState
from rpx.proxy.wire import NEVER, BackendWire, Buffers, Cut, Nudged, WireCut

# A body without a length is sent on chunked, which some servers take for none (WSGI knows no other
# than a length). A small one has mostly come a moment after its head.
MOMENT: Final = 0.02  # seconds that its end gets
SMALL: Final = 65536  # bytes

PARTING: Final = 1.0  # seconds that a client has to end a request that is answered already
PIECE: Final = 65536  # bytes of a body that are sent on at once, if they have come


class Stream(Client):
    """What is known of one stream."""

    __slots__ = ("_head", "_key")

    wire: StreamWire
    protocol = "HTTP/2"

    def __init__(
        self,
        shared: SharedState,
        peer: Forwarding,
        wire: StreamWire,
        head: RequestHead | Asked,
        *,
        surplus: bool,
        named: str | None,
        renaming: Renaming | None = None,
    ) -> None:
        """`head` is its request, which has come on `wire`. All others are of its connection."""
        super().__init__(shared, wire, peer, surplus=surplus)
        self.named = named
        self.renaming = renaming
        self._head = head
        websocket = isinstance(head, Asked) and head.websocket
        self._key = b64encode(os.urandom(16)) if websocket else b""  # RFC 6455 §4.1

    def send_head(
        self, head: AnswerHead, pieces: Buffers, end: bytes | None = None
    ) -> Awaitable[None]:
        """As HTTP/2 has it."""
        self.record.answer = head
        if self.record.more is not None:
            self.record.more.give(pieces)
        return self.wire.send_head(head, pieces, end)

    def send_body(
        self,
        head: AnswerHead,  # noqa: ARG002 - for HTTP/1.1
        pieces: Buffers,
        end: bytes | None = None,
    ) -> Awaitable[None]:
        """As HTTP/2 has it: whatever the head says, each frame has its length."""
        if self.record.more is not None:
            self.record.more.give(pieces)
        return self.wire.send_pieces(pieces, end)

    def body_reader(self) -> FramedReader:
        """Such a body ends with its stream."""
        return self.wire.reader

    async def serve(self) -> None:
        """Get the request answered."""
        if self.gone:
            return
        try:
            try:
                request = self._head
                if isinstance(request, Asked):
                    request = await self._judged(request)
                self.ahead = self.wire.at_hand()
                await answer(self, request)
                if self.wire.tunnel:
                    await self.wire.finish_sending()
                elif self.wire.done and not self.wire.ended:
                    await self.wire.linger()
            except BadMessage as bad:
                await malformed(self, bad)
        except (OSError, WireCut):
            pass  # the client has gone, was too slow, or we are going down

    async def _judged(self, asked: Asked) -> RequestHead:
        """Raises: BadMessage, WireCut."""
        if asked.length == CHUNKED:
            asked = await self.wire.counted_soon(asked)
        return request_of(asked, self.shared.settings.heads, key=self._key)

    def check_switch(self, response: ResponseHead) -> None:
        """A WebSocket is one only if the backend knows what that is. Raises: BadMessage."""
        if not self._key:
            return
        if response.status == 101:
            if not accepts(self._key, response.field(b"sec-websocket-accept")):
                raise BadMessage(502, "The backend's Sec-WebSocket-Accept is wrong.")
        elif response.status < 300:  # to a CONNECT it would mean that there is a tunnel now
            raise BadMessage(502, "The backend did not switch to a WebSocket.")

    def begin(self, upstream: BackendWire) -> None:
        """A request is under way at `upstream`."""
        super().begin(upstream)
        if self.gone:
            upstream.cut(Cut.GONE)

    def watch(self) -> None:
        """From now on notice when the client leaves; it may have done so already."""
        if self.gone:
            self.left()

    # ---- what the session tells

    def head_came(self, fields: Fields) -> None:
        """A client has no second one."""

    def data_came(self, data: bytes) -> None:
        """A piece of the request's body."""
        self.wire.arrived(data)

    def end_came(self, trailers: Fields) -> None:
        """The request has ended."""
        try:
            self.wire.end(read_trailers(trailers) if trailers else b"")
        except Malformed:
            self.left()
            self.wire.refuse()

    def reset_came(self, code: int, *, refused: bool) -> None:  # noqa: ARG002 - whatever the reason
        """The client has reset it, or made us do so."""
        self.left()

    def cut(self, why: Cut) -> None:
        """End it from outside its task."""
        self.wire.cut(why)

    def left(self) -> None:
        """The client has reset it, or has gone altogether."""
        self.wire.cut(Cut.GONE)
        super().left()


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
        self._news: trio.Event | None = None  # somebody waits to read
        self._cut: Cut | None = None
        self._left = CHUNKED  # bytes of the answer's body, once it is known that they are counted
        self.deadline = NEVER
        self.stuck = NEVER  # since when its window is closed, and something waits to be sent
        self.nudged = False
        self.wide = False
        self.tunnel = False

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
            self._news = trio.Event()
            await self._news.wait()

    expect = receive

    def give_way_soon(self) -> None:
        """As of a wire. (Who reads the connection has given way.)"""

    async def counted_soon(self, asked: Asked) -> Asked:
        """Wait a moment for the end of a body; return the head, with its length if that is known.

        Trailers need chunks. Raises: WireCut.
        """
        with trio.move_on_after(MOMENT):
            while not self.ended and sum(map(len, self._come)) <= SMALL:
                self.check()
                self._news = trio.Event()
                await self._news.wait()
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
            self._news.set()
            self._news = None
