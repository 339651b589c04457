"""How rpx judges bytes, whole and in pieces; and how long it takes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import thread_time

from rpx.http.framing import CHUNKED, UNTIL_CLOSE, ChunkedReader
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage, MessageLimits
from rpx.http.response import ResponseHead, parse_response
from rpx.http.sloppy import SloppyReader

# Seconds that reading may take. A byte costs 10 to 100 ns, but the machine may be busy; work that
# is not linear takes some µs per byte at the sizes that are tried.
PER_BYTE, PER_CALL, ONCE = 1e-6, 25e-6, 3e-3
WIDE = MessageLimits(10**8, 10**5, 10**5, target=10**8, method=10**8, chunk_extensions=10**8)


class Finding(AssertionError):
    """Something that must not be."""


def expect(true: object, what: str) -> None:
    """Raise Finding(what) unless it is true."""
    if not true:
        raise Finding(what)


def pieces(raw: bytes, chop: int) -> Iterator[bytes]:
    """Cut `raw`: whole for 0, in equal pieces up to 7 bytes, beyond that as chance has it."""
    chance = random.Random(chop)
    at = 0
    while at < len(raw):
        size = len(raw) if not chop else chop if chop < 8 else chance.randint(1, 24)
        yield raw[at : at + size]
        at += size


@dataclass
class Body:
    """A body as far as it has come."""

    data: bytes = b""
    trailers: bytes = b""
    rest: bytes = b""
    done: bool = False
    odd: str = field(default="", compare=False)


Judged = BadMessage | None | tuple[RequestHead, int] | tuple[ResponseHead, int]
Parse = Callable[
    [bytes | bytearray, int], tuple[RequestHead, int] | tuple[ResponseHead, int] | None
]


def head_in_pieces(parse: Parse, raw: bytes, chop: int) -> Judged:
    """Judge a head as a connection does: again whenever something has come."""
    buffer, scanned = bytearray(), 0
    for piece in pieces(raw, chop):
        buffer += piece
        try:
            found = parse(buffer, scanned)
        except BadMessage as bad:
            return bad
        if found is not None:
            return found
        scanned = len(buffer)
    return None


def a_request(buffer: bytes | bytearray, scanned: int) -> tuple[RequestHead, int] | None:
    """Parse as a request."""
    return parse_request(buffer, scanned=scanned)


def alike(one: Judged, other: Judged) -> bool:
    """Whether two judgements are the same; of a refusal the status counts."""
    if isinstance(one, BadMessage) and isinstance(other, BadMessage):
        return one.status == other.status
    return one == other


def chunked_body(raw: bytes, chop: int, status: int = 400) -> Body | BadMessage:
    """Decode a chunked body in pieces."""
    reader = ChunkedReader(status) if status == 400 else SloppyReader()
    body = Body()
    try:
        for piece in pieces(raw, chop):
            out = reader.feed(piece)
            expect(all(out), "the chunked reader gave an empty piece")
            body.data += b"".join(out)
    except BadMessage as bad:
        return bad
    expect(reader.received == len(body.data), "`received` is not what was given")
    body.trailers, body.rest, body.done = reader.trailers, reader.rest, reader.done
    body.odd = getattr(reader, "odd", "")
    return body


def body_of(length: int, raw: bytes, status: int = 400) -> Body | BadMessage:
    """Take a body of that framing from the beginning of `raw`, which ends with its connection."""
    if length == CHUNKED:
        return chunked_body(raw, 0, status)
    if length == UNTIL_CLOSE:
        return Body(raw, done=True)
    return Body(raw[:length], rest=raw[length:], done=len(raw) >= length)


def swift(raw: bytes, chop: int, work: Callable[[], object], what: str) -> None:
    """Expect `work` on `raw` to take time that grows with its size and no faster."""
    calls = 1 if not chop else len(raw) / min(chop, 12)
    allowed = PER_BYTE * len(raw) + PER_CALL * calls + ONCE
    taken = allowed + 1.0
    for _ in range(4):
        began = thread_time()
        work()
        taken = min(taken, thread_time() - began)
        if taken <= allowed:
            return
    raise Finding(f"{what}: {taken * 1e3:.1f} ms for {len(raw)} bytes in about {calls:.0f} pieces")


def wide_request(raw: bytes) -> object:
    """Parse a request without limits."""
    return _quietly(lambda: parse_request(raw, WIDE))


def wide_response(raw: bytes) -> object:
    """Parse a response without limits."""
    return _quietly(lambda: parse_response(raw, b"GET", b"websocket", WIDE))


def wide_chunks(raw: bytes, chop: int) -> object:
    """Decode chunks without limits but the one on a line."""

    def feed() -> None:
        reader = ChunkedReader(400, WIDE)
        for piece in pieces(raw, chop):
            reader.feed(piece)

    return _quietly(feed)


def _quietly(work: Callable[[], object]) -> object:
    try:
        return work()
    except BadMessage as bad:
        return bad
