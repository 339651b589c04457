"""The body of a request on its way. Nothing is collected but what another try needs."""

from __future__ import annotations

from typing import Protocol

import trio

from rpx.http.framing import CHUNKED, BodyReader, chunked
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.hub.request_ring import Record
from rpx.proxy.client import Client
from rpx.proxy.wire import NEVER, BackendWire, Buffers, ClientWire, Cut, WireCut

REPLAY = 65536  # bytes of a body kept for another try; a larger one can be sent only once


class Clock(Protocol):
    """Who knows what time it is without asking the kernel."""

    @property
    def now(self) -> float:
        """Seconds on trio's clock."""


class Upload:
    """A request's body. What has been read of it is kept while it is small, for another try."""

    __slots__ = (
        "_kept",
        "_kept_size",
        "_left",
        "_most",
        "_reader",
        "_record",
        "awaited",
        "bad",
        "done",
        "gone",
        "invited",
        "pause",
        "rest",
        "sent",
    )

    def __init__(
        self,
        length: int,
        at_hand: bytes,
        reader: BodyReader | None,
        *,
        pause: float,
        most: int | None,
        record: Record,
    ) -> None:
        """`at_hand` is what came with the head; what lies behind the body is left in `rest`.

        `reader` finds the end of a body whose length isn't told.
        `pause`: seconds a client may be silent that the backend still waits for. `most`: bytes.
        `record` is of the request.
        Raises: BadMessage, also for what is known to be too large.
        """
        self._most = most
        self._record = record
        if most is not None and length > most:
            raise _too_large(most)
        self._reader = reader
        self._left = length
        self._kept: Buffers | None = []
        self._kept_size = 0
        self.rest = b""
        self.done = False  # the client has sent all of it
        self.sent = False  # and the backend has got all of it
        self.gone = False  # the client left in the middle of it
        self.awaited = False  # the client sends nothing of it before it is told to
        self.invited = False  # it was told so
        self.pause = pause
        self.bad: BadMessage | None = None  # it was malformed: what there is must not look complete
        self._take(at_hand)

    @property
    def replayable(self) -> bool:
        """Everything that was read is still here."""
        return self._kept is not None

    @property
    def pieces(self) -> Buffers:
        """What has been read so far."""
        return self._kept or []

    @property
    def end(self) -> bytes | None:
        """The trailers, as ChunkedReader gives them, once all of it has been read."""
        if not self.done:
            return None
        return b"" if self._reader is None else self._reader.trailers

    def framed(self, pieces: Buffers) -> Buffers:
        """Return what was read last, or all of it so far, as HTTP/1.1 has it."""
        return pieces if self._reader is None else chunked(pieces, self.end)

    def invite(self) -> bool:
        """The client is to be told that it may send: tell whether it was not yet."""
        self.awaited, before, self.invited = False, self.invited, True
        return not before

    def _take(self, data: bytes) -> Buffers:
        """Take what the client sent; return it. Raises: BadMessage."""
        if self._reader is None:
            pieces = [data[: self._left]] if data else []
            self.rest = data[self._left :]
            self._left -= len(data) - len(self.rest)
            self.done = self._left == 0
        else:
            pieces = self._reader.feed(data)
            if self._most is not None and self._reader.received > self._most:
                raise _too_large(self._most)
            if self._reader.done:
                self.rest, self.done = self._reader.rest, True
        self._record.take(pieces)
        if data or self.done:
            self.awaited = False
        if self._kept is not None:
            self._kept_size += sum(map(len, pieces))
            self._kept += pieces
        return pieces

    async def pump(self, client: ClientWire, upstream: BackendWire, clock: Clock) -> None:
        """Send the rest of the body on as it comes. Ends `upstream`'s wait when it can't go on."""
        try:
            while not self.done:
                pieces = self._take(await self._more(client, clock))
                if self._kept_size > REPLAY:  # not before: what came with the head is sent from it
                    self._kept = None
                if (pieces or self.done) and not await self._send(upstream, pieces):
                    return
            self.sent = True
        except BadMessage as bad:
            self.bad = bad
            upstream.cut(Cut.GONE)
        except (OSError, WireCut):
            self.gone = True
            upstream.cut(Cut.GONE)
        finally:
            client.deadline = NEVER

    async def _more(self, client: ClientWire, clock: Clock) -> bytes:
        if self._reader is not None and self._reader.waiting:
            await trio.lowlevel.checkpoint()
            return b""
        client.deadline = clock.now + self.pause
        data = await client.receive()
        client.deadline = NEVER
        if not data and not (self._reader is not None and self._reader.ended):
            raise ConnectionResetError
        return data

    def answered(self, client: ClientWire) -> None:
        """The answer has begun: from now on both sides may take their time."""
        self.pause = client.deadline = NEVER

    async def _send(self, upstream: BackendWire, pieces: Buffers) -> bool:
        """Send on; False when the backend reads no more: it may still answer, so that's no end."""
        try:
            await upstream.send_body(self, pieces)
        except (OSError, WireCut):
            return False
        return True


def upload_of(request: RequestHead, client: Client) -> Upload:
    """Return the body of a request: it begins with what has been read ahead. Raises: BadMessage."""
    settings, ahead = client.shared.settings, client.ahead
    pause, most = settings.timeouts.body, settings.limits.body
    reader = client.body_reader() if request.length == CHUNKED else None
    record = client.record
    upload = Upload(request.length, ahead, reader, pause=pause, most=most, record=record)
    upload.awaited = request.expect_continue and not (ahead or upload.done)
    client.ahead = b""  # until the upload is done: then it is what lies behind it
    return upload


def _too_large(most: int) -> BadMessage:
    return BadMessage(413, f"The body is larger than the {most} bytes that `limits.body` allows.")
