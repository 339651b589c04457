"""One stream of an HTTP/2 connection: to its exchange, a client connection with one request.

Nothing on the path of a request asks for the version: an exchange hands heads and pieces of bodies
to whomever it answers.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Awaitable

from rpx.http.answer_head import AnswerHead
from rpx.http.fields import (
    Asked,
    Malformed,
    accepts,
    read_trailers,
    request_of,
)
from rpx.http.forwarded import Forwarding
from rpx.http.framing import CHUNKED, FramedReader
from rpx.http.head import RequestHead
from rpx.http.hpack import Fields
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.proxy.answering import answer
from rpx.proxy.client import Client
from rpx.proxy.inlet import Renaming
from rpx.proxy.refusals import malformed
from rpx.proxy.shared import SharedState
from rpx.proxy.stream_wire import StreamWire
from rpx.proxy.wire import BackendWire, Buffers, Cut, WireCut


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
        if self.record.copies:
            self.record.give(pieces)
        return self.wire.send_head(head, pieces, end)

    def send_body(
        self,
        head: AnswerHead,  # noqa: ARG002 - for HTTP/1.1
        pieces: Buffers,
        end: bytes | None = None,
    ) -> Awaitable[None]:
        """As HTTP/2 has it: whatever the head says, each frame has its length."""
        if self.record.copies:
            self.record.give(pieces)
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

    def resets_with(self, code: int) -> None:
        """As of a client of HTTP/2."""
        self.wire.code = code

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
