"""What is written on an HTTP/2 connection: by one task, whatever the streams have to say.

Only it touches the socket, so that no stream can be cancelled within a frame of the connection.
A stream waits for its windows, and for its turn: little is kept here that isn't on its way.
"""

from __future__ import annotations

from typing import Final, Protocol

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.answer_lines import LineEncoder
from rpx.http.frames import (
    CANCEL,
    ENHANCE_YOUR_CALM,
    INTERNAL_ERROR,
    NO_ERROR,
    ConnectionFault,
)
from rpx.http.session import Http2Session
from rpx.http.stream_state import StreamState
from rpx.proxy.gate import Gate
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import NEVER, Buffers, Cut, Nudged, WireCut

WINDOW: Final = 131072  # bytes of a request's body that wait here to be read
WIDER: Final = 917504  # and of one whose backend is fast, so many more: 1 MB in all
WIDE: Final = 8  # such streams at the same time
AHEAD: Final = 131072  # bytes that wait to be written, when no stream may add more
REPLIES: Final = 65536  # and besides, of what nobody waits to say


class Flow(Protocol):
    """A stream as far as its frames go. See StreamWire for what its attributes mean."""

    stream: StreamState
    stuck: float
    wide: bool
    tunnel: bool
    code: int | None

    def check(self) -> None:
        """Raise WireCut if it is cut."""


class Outlet:
    """Streams put heads and data into the session, and the writer takes out what it has to say."""

    def __init__(self, wire: Wire, session: Http2Session, head: int, reactor: Reactor) -> None:
        """`head`: bytes that the largest head may have."""
        self._wire = wire
        self.reactor = reactor
        self._session = session
        self._lines = LineEncoder()
        self._most = head + AHEAD + REPLIES  # bytes that wait: then there are too many replies
        self._news = Gate(reactor)  # there is something to be written
        self._room = Gate(reactor)  # for those who wait to add more
        self._opened = Gate(reactor)  # a window has, or somebody is to look up
        self._wide = 0  # streams with a larger window
        self.over = False

    async def send(
        self,
        flow: Flow,
        head: AnswerHead | None,
        pieces: Buffers,
        trailers: bytes,
        *,
        end: bool,
    ) -> None:
        """Send a head, data and trailers, each if there are any; `end`: that was all.

        `trailers` are lines, as ChunkedReader gives them.
        Raises: WireCut.
        """
        flow.check()
        last = end and not trailers
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if head is not None:
            await self._send_head(flow, self._lines.head(head), end=last and not data)
        if data or (last and head is None):
            await self._send_data(flow, data, last)
        if trailers:
            await self._send_head(flow, self._lines.trailers(trailers), end=True)

    async def _send_head(self, flow: Flow, fields: list[bytes], *, end: bool) -> None:
        while self._session.waiting >= AHEAD:
            await self.turn()
            flow.check()
        self._session.say_encoded(flow.stream, fields, end=end)
        self.tell()

    async def _send_data(self, flow: Flow, data: bytes | memoryview, end: bool) -> None:
        session, state = self._session, flow.stream
        while True:
            room = AHEAD - session.waiting
            if data and room <= 0:
                await self.turn()
            else:
                piece, last = data, end
                if len(data) > room > 0:
                    piece, last = memoryview(data)[:room], False
                said = session.say_data(state, piece, end=last)
                if said or not data:
                    flow.stuck = NEVER
                    self.tell()
                    if said == len(data):
                        return
                    data = memoryview(data)[said:]
                else:
                    flow.stuck = min(flow.stuck, trio.current_time())
                    await self._opened.wait()
            flow.check()

    async def turn(self) -> None:
        """Wait for room; whoever is let on lets the next one on, if there is still some."""
        try:
            await self._room.wait()
        finally:
            if self._session.waiting < AHEAD:
                self._room.let_one_on()

    def credit(self, state: StreamState, size: int) -> None:
        """So many bytes of a body have been taken: the client may send as many more."""
        if size and not self.over:
            self._session.took(state, size)
            self.tell()

    def widen(self, state: StreamState) -> bool:
        """Let a stream send more before it is read, if not too many may; tell whether it can."""
        if self._wide == WIDE or self.over or not self._session.widen(state, WIDER):
            return False
        self._wide += 1
        self.tell()
        return True

    def refuse(self, state: StreamState, code: int) -> None:
        """Reset a stream for what its client has done."""
        self._session.refuse(state, code)
        self.tell()

    def narrow(self, flow: Flow) -> None:
        """A stream is over: another may have its place among those that may send more."""
        self._wide -= flow.wide

    def close(self, flow: Flow, *, told: bool) -> None:
        """A stream is over, for us: tell the client, unless one or both have said so."""
        self.narrow(flow)
        state = flow.stream
        if told or self.over or (state.said and state.heard):
            return
        code = NO_ERROR  # RFC 9113 §8.1: the rest isn't wanted
        if not state.said:
            code = CANCEL if flow.tunnel else flow.code or INTERNAL_ERROR
        self._session.say_reset(state, code)
        self.tell()

    def goaway(self, last: int, code: int) -> None:
        """Tell the client that streams above `last` won't be answered."""
        self._session.say_goaway(last, code)
        self.tell()

    def wake(self) -> None:
        """A window has opened, or a stream has been cut: let those who wait look up."""
        self._opened.let_on()
        self._room.let_on()

    def tell(self) -> None:
        """There is something to be written."""
        self._news.let_on()

    def reply(self) -> None:
        """Write what the session says to what has come.

        Raises: ConnectionFault when the client reads none of our replies.
        """
        if self._session.waiting > self._most:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "too many replies wait")
        if self._session.waiting:
            self.tell()

    def finish(self) -> None:
        """Nothing is read any more: write what there is, and then say goodbye."""
        self.over = True
        self.tell()

    async def write(self) -> None:
        """Write until `finish` was called, then let the client have its last word."""
        wire, session, over = self._wire, self._session, False
        try:
            while not over:
                if not (session.waiting or self.over):
                    await self._news.wait()
                while self._room.coming and session.waiting < AHEAD:
                    await self.reactor.let_pass()  # what they say goes out in the same call
                over = self.over
                while data := session.take():
                    self._room.let_one_on()
                    await wire.send(data)
            await wire.finish_sending()
            wire.nudged = False
            while await wire.receive():  # unread data would turn our FIN into a reset
                pass
        except (OSError, WireCut, Nudged):
            pass
        finally:
            wire.cut(Cut.GONE)  # for the reader to notice
