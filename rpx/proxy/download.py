"""The body of an answer on its way to the client. Nothing is collected."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum

from rpx.http.answer_head import AnswerHead
from rpx.http.framing import CHUNKED, CHUNKS, ChunkedReader
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.sloppy import MORE, SloppyReader
from rpx.hub.body_copy import BodyCopy
from rpx.proxy.client import Client
from rpx.proxy.sockets import Wire
from rpx.proxy.splice import AVAILABLE, WORTH_IT, Pipes, TargetGone, splice
from rpx.proxy.wire import BackendWire, Buffers, ClientWire, WireCut


class Ending(Enum):
    """How a download ended."""

    WHOLE = "whole"
    TRUNCATED = "truncated"  # the backend broke off: the client must not take it for complete
    GONE = "gone"  # the client left


WHOLE, TRUNCATED, GONE = Ending  # to read one of these costs 0.01 µs, through the class 0.1


async def download(
    upstream: BackendWire,
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
    upstream: BackendWire, client: Client, head: AnswerHead, data: bytes
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


async def _pieces(upstream: BackendWire, reader: ChunkedReader) -> Buffers:
    if reader.waiting:
        await upstream.give_way()
        return reader.feed(b"")
    data = await upstream.receive()
    if not data:
        raise ConnectionResetError
    return reader.feed(data)


async def _until_close(
    upstream: BackendWire, client: Client, head: AnswerHead, data: bytes
) -> tuple[Ending, str]:
    """Its end may be known with the last piece, or with the head, and then the client is told so.

    (A `grpc-status` behind a body of nothing is no answer to gRPC, in the head of one it is.)
    """
    tells = head.length == CHUNKED
    end = upstream.end
    sending = client.send_head(head, [data] if data else [], end if tells else None)
    client.record.sent = len(data)
    while await _sent(sending):
        if end is not None:
            return WHOLE, ""
        try:
            data = await upstream.receive()
        except WireCut:
            return GONE, ""
        except OSError:  # a reset is not the end that a FIN is
            return TRUNCATED, ""
        end = upstream.end
        if not data:
            if not tells or await _sent(client.send_body(head, [], end or b"")):
                return WHOLE, ""
            break
        sending = client.send_body(head, [data], end if tells else None)
        client.record.sent += len(data)
    return GONE, ""


async def _counted(
    upstream: BackendWire, client: Client, left: int, *, head: AnswerHead, data: bytes, pipes: Pipes
) -> tuple[Ending, str]:
    extra = MORE if len(data) > left else ""
    if not await _sent(client.send_head(head, [data[:left]] if data else [])):
        return GONE, extra
    left -= min(left, len(data))
    if not left:
        return WHOLE, extra
    wire = client.wire
    if client.record.copies:
        return await _copied(upstream, wire, left, client.record.copy_of_answer())
    if left >= WORTH_IT and AVAILABLE and upstream.plain and wire.plain:
        assert isinstance(wire, Wire)  # noqa: S101 - nothing else is plain
        assert isinstance(upstream, Wire)  # noqa: S101 - likewise
        return await _spliced(upstream, wire, left, pipes)
    return await _copied(upstream, wire, left)


async def _copied(
    upstream: BackendWire, client: ClientWire, left: int, copy: BodyCopy | None = None
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
