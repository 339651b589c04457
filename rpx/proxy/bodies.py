"""Bodies on their way: the upload from the client, the download to it. Nothing is collected."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import Protocol

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.framing import CHUNKED, BodyReader, ChunkedReader, chunked
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.sloppy import MORE, SloppyReader
from rpx.hub.request_ring import BodyCopy, Record
from rpx.proxy.client import Client
from rpx.proxy.sockets import Wire
from rpx.proxy.splice import AVAILABLE, WORTH_IT, Pipes, TargetGone, splice
from rpx.proxy.wire import NEVER, Buffers, ClientWire, Cut, WireCut

CHUNKS = 512  # of a body that are read in one turn: a read may bring ten thousand
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

    def pieces(self) -> Buffers:
        """Return what has been read so far, framed as for the backend."""
        return self._kept or []

    def invite(self) -> bool:
        """The client is to be told that it may send: tell whether it was not yet."""
        self.awaited, before, self.invited = False, self.invited, True
        return not before

    def _take(self, data: bytes) -> Buffers:
        """Take what the client sent; return it framed. Raises: BadMessage."""
        if self._reader is None:
            pieces = out = [data[: self._left]] if data else []
            self.rest = data[self._left :]
            self._left -= len(data) - len(self.rest)
            self.done = self._left == 0
        else:
            pieces = self._reader.feed(data)
            if self._most is not None and self._reader.received > self._most:
                raise _too_large(self._most)
            if self._reader.done:
                self.rest, self.done = self._reader.rest, True
            out = chunked(pieces, self._reader.trailers if self.done else None)
        self._record.take(pieces)
        if data or self.done:
            self.awaited = False
        if self._kept is not None:
            self._kept_size += sum(map(len, out))
            self._kept += out
        return out

    async def pump(self, client: ClientWire, upstream: Wire, clock: Clock) -> None:
        """Send the rest of the body on as it comes. Ends `upstream`'s wait when it can't go on."""
        try:
            while not self.done:
                out = self._take(await self._more(client, clock))
                if self._kept_size > REPLAY:  # not before: what came with the head is sent from it
                    self._kept = None
                if out and not await self._send(upstream, out):
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

    async def _send(self, upstream: Wire, out: Buffers) -> bool:
        """Send on; False when the backend reads no more: it may still answer, so that's no end."""
        try:
            await upstream.send_pieces(out)
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


class Ending(Enum):
    """How a download ended."""

    WHOLE = "whole"
    TRUNCATED = "truncated"  # the backend broke off: the client must not take it for complete
    GONE = "gone"  # the client left


WHOLE, TRUNCATED, GONE = Ending  # to read one of these costs 0.01 µs, through the class 0.1


async def download(
    upstream: Wire,
    client: Client,
    response: ResponseHead,
    head: AnswerHead,
    *,
    data: bytes,
    pipes: Pipes,
) -> tuple[Ending, str]:
    """Send `head` and the body behind it to the client, each read as soon as it comes.

    `data` is what came with the backend's head. Returns also what was odd about the body, or behind
    it: then the connection has lost its meaning. Raises: BadMessage when `data` is malformed; the
    client has got nothing then.
    """
    if (
        len(data) == response.length
    ):  # it has come whole, as most do: as in `_sent`, without a frame
        try:
            await client.send_head(head, [data])
        except (OSError, WireCut):
            return GONE, ""
        return WHOLE, ""
    if response.length >= 0:
        return await _counted(upstream, client, response.length, head=head, data=data, pipes=pipes)
    if response.length == CHUNKED:
        return await _chunked(upstream, client, head, data)
    return await _until_close(upstream, client, head, data)


async def _chunked(
    upstream: Wire, client: Client, head: AnswerHead, data: bytes
) -> tuple[Ending, str]:
    reader = SloppyReader(turn=CHUNKS)
    pieces = reader.feed(data)
    record = client.record
    record.sent = reader.received
    if not await _sent(client.send_head(head, pieces, _end(reader, head))):
        return GONE, ""
    while not reader.done:
        try:
            pieces = await _pieces(upstream, reader)
        except WireCut:
            return GONE, ""
        except (OSError, BadMessage):
            return TRUNCATED, ""
        record.sent = reader.received
        end = _end(reader, head)
        if (pieces or end is not None) and not await _sent(client.send_body(head, pieces, end)):
            return GONE, ""
    return WHOLE, reader.odd or (MORE if reader.rest else "")


def _end(reader: ChunkedReader, head: AnswerHead) -> bytes | None:
    """Return the trailers where the body has ended, and the client can be told so."""
    return reader.trailers if reader.done and head.length == CHUNKED else None


async def _pieces(upstream: Wire, reader: ChunkedReader) -> Buffers:
    if reader.waiting:
        await upstream.give_way()
        return reader.feed(b"")
    data = await upstream.receive()
    if not data:
        raise ConnectionResetError
    return reader.feed(data)


async def _until_close(
    upstream: Wire, client: Client, head: AnswerHead, data: bytes
) -> tuple[Ending, str]:
    sending = client.send_head(head, [data] if data else [])
    client.record.sent = len(data)
    while await _sent(sending):
        try:
            data = await upstream.receive()
        except WireCut:
            return GONE, ""
        except OSError:  # a reset is not the end that a FIN is
            return TRUNCATED, ""
        if not data:
            if head.length != CHUNKED or await _sent(client.send_body(head, [], b"")):
                return WHOLE, ""
            break
        sending = client.send_body(head, [data])
        client.record.sent += len(data)
    return GONE, ""


async def _counted(
    upstream: Wire, client: Client, left: int, *, head: AnswerHead, data: bytes, pipes: Pipes
) -> tuple[Ending, str]:
    extra = MORE if len(data) > left else ""
    if not await _sent(client.send_head(head, [data[:left]] if data else [])):
        return GONE, extra
    left -= min(left, len(data))
    if not left:
        return WHOLE, extra
    wire, more = client.wire, client.record.more
    if more is not None and more.given is not None:
        return await _copied(upstream, wire, left, more.given)
    if left >= WORTH_IT and AVAILABLE and upstream.plain and wire.plain:
        assert isinstance(wire, Wire)  # noqa: S101 - nothing else is plain
        return await _spliced(upstream, wire, left, pipes)
    return await _copied(upstream, wire, left)


async def _copied(
    upstream: Wire, client: ClientWire, left: int, copy: BodyCopy | None = None
) -> tuple[Ending, str]:
    while True:
        try:
            data = await upstream.receive()
        except WireCut:
            return GONE, ""
        except OSError:
            data = b""
        if not data:
            return TRUNCATED, ""
        if copy is not None:
            copy.take(data[:left])
        if not await _sent(client.send(data[:left])):
            return GONE, ""
        if len(data) >= left:
            return WHOLE, MORE if len(data) > left else ""
        left -= len(data)


async def _spliced(upstream: Wire, client: Wire, left: int, pipes: Pipes) -> tuple[Ending, str]:
    try:
        moved = await splice(upstream, client, left, pipes)
    except (TargetGone, WireCut):
        return GONE, ""
    except OSError:
        return TRUNCATED, ""
    if moved < left:
        return TRUNCATED, ""
    return WHOLE, "" if upstream.is_quiet() else MORE


async def _sent(sending: Awaitable[None]) -> bool:
    """Wait until it is sent; tell whether the client was there to get it."""
    try:
        await sending
    except (OSError, WireCut):
        return False
    return True
