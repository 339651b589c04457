"""How long a body is, and the chunked coding (RFC 9112 §6, §7).

The framing of a body is one int, so that the path of a request compares ints:
`n >= 0` is a body of exactly n bytes (0: none), the other two are below.
"""

from __future__ import annotations

import re

from rpx.http.grammar import FIELD, STRAY, TOKEN, VALUE, members
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits

CHUNKED = -1
UNTIL_CLOSE = -2  # responses only: the end of the connection ends the body

LARGEST = 2**63 - 1
CHUNKS = 512  # of a body that are read in one turn: a read may bring ten thousand

LAST_CHUNK = b"0\r\n\r\n"

# RFC 9110 §6.5.1: fields for framing, routing, authentication, request modifiers, response
# control and content format have no meaning in trailers, and merging them would be an attack.
_NOT_IN_TRAILERS = frozenset(
    b"age authorization cache-control cdn-loop connection content-encoding content-length"
    b" content-location content-range content-type cookie date expect expires forwarded host"
    b" if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive location"
    b" max-forwards pragma proxy-authenticate proxy-authorization proxy-connection range"
    b" retry-after set-cookie te trailer transfer-encoding upgrade vary via www-authenticate"
    b" x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-real-ip".split()
)

_QUOTED = rb'"(?>(?:[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]++|\\%b)*)"' % VALUE
EXTENSIONS = rb"(?>(?:[ \t]*+;[ \t]*+%b++(?:[ \t]*+=[ \t]*+(?:%b++|%b))?)+)" % (
    TOKEN,
    TOKEN,
    _QUOTED,
)
_SIZE = rb"([0-9A-Fa-f]{1,16}+)(?:\r\n|(%b)\r\n)" % EXTENSIONS  # size, extensions (None without)
_FIRST = re.compile(_SIZE)
_NEXT = re.compile(rb"\r\n" + _SIZE)  # the CRLF that ends the data before it
# What a size line may look like before its end has come.
_PARTIAL_SIZE = rb"(?:[0-9A-Fa-f]{1,16}+(?:[ \t;]%b*+)?)?\r?" % VALUE
_PARTIAL_FIRST = re.compile(_PARTIAL_SIZE)
_PARTIAL_NEXT = re.compile(rb"\r?|\r\n" + _PARTIAL_SIZE)
_TRAILERS = re.compile(rb"(?>(?:%b)*)" % FIELD)


def read_length(value: bytes, status: int) -> int:
    """The number of a Content-Length. Raises: BadMessage(status) for all that isn't one number."""
    length = plain_length(value)
    if length < 0:
        raise BadMessage(status, "The Content-Length is not one plain number.")
    return length


def plain_length(value: bytes) -> int:
    """The number of a Content-Length; -1 for all that isn't one number."""
    # RFC 9110 §8.6: digits (of ASCII, for bytes). That none is a leading zero is ours
    if value.isdigit() and len(value) < 20 and (value[0] != 0x30 or value == b"0"):
        length = int(value)
        if length <= LARGEST:
            return length
    return -1


def check_coding(value: bytes) -> None:
    """Return when a request's Transfer-Encoding is chunked alone. Raises: BadMessage(400, 501)."""
    if value.lower() == b"chunked":
        return
    codings = members(value)
    if codings.count(b"chunked") > 1:
        raise BadMessage(400, "The Transfer-Encoding names chunked twice.")
    if b"chunked" in codings and codings[-1] != b"chunked":
        raise BadMessage(400, "The Transfer-Encoding does not end with chunked.")
    if not codings:
        raise BadMessage(400, "The Transfer-Encoding is empty.")
    raise BadMessage(501, "The only Transfer-Encoding understood here is chunked.")


def encode_chunk(size: int) -> bytes:
    """The line before `size` bytes of data, which `\\r\\n` must follow. Size 0 would be the end."""
    return b"%x\r\n" % size


def chunked(pieces: list[bytes], end: bytes | None = None) -> list[bytes]:
    """Return the pieces of a body as one chunk. `end`: they are the last ones, and these are the
    trailers, as ChunkedReader gives them.
    """
    out = [encode_chunk(sum(map(len, pieces))), *pieces, b"\r\n"] if pieces else []
    if end is not None:
        out.append(last_chunk(end))
    return out


def last_chunk(trailers: bytes = b"") -> bytes:
    """The end of a chunked body. `trailers` as ChunkedReader gives them."""
    return b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK


class ChunkedReader:
    """A strict decoder of one chunked body; holds at most one size line or the trailers.

    `feed` gives the payload as it comes; with a `turn` at most so many chunks of it at once, and
    while `waiting` says so, the next `feed` (of nothing) has more. When `done`, `trailers` has the
    trailer lines (each with its CRLF, those that may not stand there dropped) and `rest` the bytes
    behind the body.
    """

    _first, _next = _FIRST, _NEXT
    _partial_first, _partial_next = _PARTIAL_FIRST, _PARTIAL_NEXT
    _stray = STRAY
    ended = False  # a connection doesn't end with it
    __slots__ = (
        "_extensions",
        "_held",
        "_left",
        "_limits",
        "_pattern",
        "_seen",
        "_status",
        "_tail",
        "_turn",
        "done",
        "received",
        "rest",
        "trailers",
        "waiting",
    )

    def __init__(
        self, status: int = 400, limits: MessageLimits = DEFAULT, *, turn: int | None = None
    ) -> None:
        self._status = status
        self._limits = limits
        self._turn = LARGEST if turn is None else turn
        self.waiting = b""  # for its turn
        self._pattern = self._first
        self._left = 0  # bytes of the current chunk still to come
        self._held = b""  # the beginning of a size line
        self._tail: bytearray | None = None  # the trailer section, once the last chunk has come
        self._seen = 0  # bytes of it searched for its end
        self._extensions = 0
        self.received = 0  # bytes of payload so far
        self.done = False
        self.trailers = b""
        self.rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The pieces of payload in `data`, none of them empty. Raises: BadMessage."""
        if self.waiting:
            data = self.waiting + data
            self.waiting = b""
        if self._tail is not None:
            self._feed_tail(self._tail, data)
            return []
        left = self._left
        if len(data) <= left:  # the whole read lies inside one chunk: nothing is copied
            self._left = left - len(data)
            self.received += len(data)
            return [data] if data else []
        pieces = []
        if left:
            pieces.append(data[:left])
            self.received += left
        elif self._held:
            data = self._held + data
            self._held = b""
        self._chunks(data, left, pieces)
        return pieces

    def _chunks(self, data: bytes, at: int, pieces: list[bytes]) -> None:
        """Read size lines and data from `at` on, where a size line is due."""
        end = len(data)
        pattern, following, turn = self._pattern, self._next, self._turn
        received = 0
        while (match := pattern.match(data, at)) is not None:
            pattern = following
            size = int(match[1], 16)
            if match[2] is not None or size > LARGEST:
                self._check_line(match, size, self.received + received)
            begin = match.end()
            if not size:
                self._pattern, self._left = pattern, 0
                self.received += received
                self._tail = bytearray()
                self._feed_tail(self._tail, data[begin:])
                return
            at = begin + size
            if at >= end:
                self._left = at - end
                received += end - begin
                if begin < end:
                    pieces.append(data[begin:])
                break
            received += size
            pieces.append(data[begin:at])
            if len(pieces) >= turn:
                self._left, self.waiting = 0, data[at:]
                break
        else:
            self._left = 0
            self._hold(data, at, pattern)
        self._pattern = pattern
        self.received += received

    def _check_line(self, match: re.Match[bytes], size: int, received: int) -> None:
        line = match.end() - match.start()
        self._extensions += len(match[2] or b"")
        allowed = self._limits.chunk_extensions + received
        if size > LARGEST or line > self._limits.chunk_line or self._extensions > allowed:
            raise BadMessage(self._status, "A chunk's size or its extensions are too large.")

    def _hold(self, data: bytes, at: int, pattern: re.Pattern[bytes]) -> None:
        partial = self._partial_first if pattern is self._first else self._partial_next
        if len(data) - at > self._limits.chunk_line or not partial.fullmatch(data, at):
            raise BadMessage(self._status, "The chunked body is malformed.")
        self._held = data[at:]

    def _feed_tail(self, tail: bytearray, data: bytes) -> None:
        if self.done:
            self.rest += data
            return
        tail += data
        if tail.startswith(b"\r\n"):
            self.done = True
            self.rest = bytes(tail[2:])
            return
        end = tail.find(b"\r\n\r\n", max(0, self._seen - 3))
        self._seen = len(tail)
        self._check_tail(tail, end, len(data))
        if end >= 0:
            self.done = True
            self.trailers = self._read_trailers(bytes(tail[:end]))
            self.rest = bytes(tail[end + 4 :])

    def _check_tail(self, tail: bytearray, end: int, new: int) -> None:
        stop = end if end >= 0 else len(tail)
        lines = 0
        if tail.find(b"\n", -new) >= 0:  # else there is no line more than last time
            lines = tail.count(b"\n", 0, stop) + (end >= 0)
        _check_trailers(stop, lines, self._status, self._limits)
        if self._stray.search(tail, max(0, len(tail) - new - 1), stop):
            raise BadMessage(self._status, "The trailer section contains a control byte.")

    def _read_trailers(self, block: bytes) -> bytes:
        if not _TRAILERS.fullmatch(b"\r\n" + block):
            raise BadMessage(self._status, "A trailer line is malformed.")
        return _kept(block.split(b"\r\n"))


class FramedReader:
    """Reads a body that comes in the frames of HTTP/2: as ChunkedReader, but the end is told.

    What comes is the payload, so `waiting` and `rest` are always empty.
    """

    __slots__ = ("_limits", "done", "ended", "received", "trailers")

    waiting = rest = b""

    def __init__(self, limits: MessageLimits = DEFAULT) -> None:
        self._limits = limits
        self.ended = False  # there is no more to feed than what has come
        self.received = 0  # bytes of payload so far
        self.done = False
        self.trailers = b""

    def end(self, trailers: bytes) -> None:
        """Nothing follows what is fed next; `trailers` are lines, each with its CRLF."""
        self.ended, self.trailers = True, trailers

    def feed(self, data: bytes) -> list[bytes]:
        """As of a ChunkedReader. Raises: BadMessage."""
        self.received += len(data)
        if self.ended and not self.done:
            self.done = True
            if self.trailers:
                self.trailers = sound_trailers(self.trailers, 400, self._limits)
        return [data] if data else []


BodyReader = ChunkedReader | FramedReader


def sound_trailers(trailers: bytes, status: int, limits: MessageLimits = DEFAULT) -> bytes:
    """Return those of the lines, each with its CRLF, that may stand in trailers.

    Raises: BadMessage: with 431 for 400, if they are too large; else with that `status`.
    """
    lines = trailers.split(b"\r\n")[:-1]
    _check_trailers(len(trailers) - 2, len(lines), status, limits)
    return _kept(lines)


def _check_trailers(size: int, lines: int, status: int, limits: MessageLimits) -> None:
    if size > limits.head or lines > limits.lines:
        raise BadMessage(431 if status == 400 else status, "The trailer section is too large.")


def _kept(lines: list[bytes]) -> bytes:
    """Return the lines that may stand in trailers, each with its CRLF."""
    kept = [
        line + b"\r\n"
        for line in lines
        if line.partition(b":")[0].lower().replace(b"_", b"-") not in _NOT_IN_TRAILERS
    ]
    return b"".join(kept)
