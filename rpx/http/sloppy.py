"""Answers that are not written as they should be, and that every client and proxy takes.

A backend is the user's own program, its mistakes are harmless where one can tell what was meant,
and nobody else but a proxy would tell of them. So they are mended here, and what goes on to the
client is clean. The connection they came on is not kept: who writes lines carelessly may count
carelessly. (Of a client nothing of the kind is taken: see head.py.)
"""

from __future__ import annotations

import re

from rpx.http.framing import EXTENSIONS, LARGEST, ChunkedReader
from rpx.http.grammar import STRAY_IN_ANSWERS, TOKEN, VALUE
from rpx.http.limits import DEFAULT, BadMessage, MessageLimits

# What it is called in the note on a backend: "api:3000 …".
BARE_LF = "ends lines of its answers with a bare LF, not CRLF"
CONTROL = "sends control bytes in its answers; clients get spaces instead"
FOLDED = "folds header lines of its answers, which HTTP/1.1 no longer knows"
COLON = "writes whitespace before the colon of header lines"
STATUS_LINE = "writes its status line in another way than `HTTP/1.1 200 OK`"
TWO_LENGTHS = "sends Content-Length more than once"
BOTH = "sends Content-Length beside Transfer-Encoding: chunked; the length is dropped"
CHUNKS = "pads its chunk sizes, or ends lines of its chunks with a bare LF"
MORE = "sends more behind its answers than it has announced"

END = re.compile(rb"\n\r?\n")  # the end of a head, however its lines end
_NO_TRAILERS = re.compile(rb"\r?\n")
_CLEAN_END = (b"\r\n", b"\n\r\n")  # of trailers, the latter behind a CR
_STATUS_LINE = re.compile(rb"HTTP/(?:1\.([0-9])|2\.0) +([1-9][0-9]{2})( [^\x00\r]*+)?")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")
_FIELDS = (  # lines end with LF here; RFC 9110 §5.5, RFC 9112 §5.2 and §5.1 say what is to be done
    (CONTROL, _CONTROL, b" "),
    (FOLDED, re.compile(rb"(?<=[^\n])[ \t]*+\n[ \t]++"), b" "),
    (COLON, re.compile(rb"(?m)^(%b++)[ \t]++:" % TOKEN), rb"\1:"),
)


def mended(head: bytes) -> tuple[bytes, str]:
    """Return a head, up to its empty line, as it should be, and what was odd about it.

    What can't be mended stays as it is.
    """
    odd = BARE_LF if b"\n" in head.replace(b"\r\n", b"") else ""
    line, _, fields = head.replace(b"\r\n", b"\n").rstrip(b"\n").partition(b"\n")
    for what, pattern, by in _FIELDS:
        fields, count = pattern.subn(by, fields)
        odd = odd or what * (count > 0)
    status = _STATUS_LINE.fullmatch(line)
    if status is not None:
        minor, code, phrase = status.groups()
        plain = b"HTTP/1.%b %b%b" % (minor or b"1", code, _CONTROL.sub(b" ", phrase or b""))
        if plain != line:
            line, odd = plain, odd or STATUS_LINE
    lines = line + b"\n" + fields if fields else line
    return lines.replace(b"\n", b"\r\n") + b"\r\n\r\n", odd


def read_lengths(value: bytes) -> int:
    """The number that one or several Content-Lengths say, each in as many digits as it likes.

    RFC 9110 §8.6 lets several that are equal pass for one. Raises: BadMessage(502).
    """
    numbers = set()
    for part in value.split(b","):
        digits = part.strip(b" \t")
        if not digits.isdigit() or len(digits.lstrip(b"0")) > 19:
            raise BadMessage(502, "The Content-Length is not one plain number.")
        numbers.add(int(digits))
    if len(numbers) > 1:
        raise BadMessage(502, "The backend's answer has two Content-Lengths that differ.")
    [number] = numbers
    if number > LARGEST:
        raise BadMessage(502, "The Content-Length is not one plain number.")
    return number


_LINE = rb"([0-9A-Fa-f]{1,16}+)(?:\r\n|([ \t]*+(?:;%b*+)?\r?)\n)" % VALUE  # as in framing.py
_PARTIAL = rb"(?:[0-9A-Fa-f]{1,16}+(?:[ \t;]%b*+)?)?\r?" % VALUE


_CLEAN = re.compile(rb"(?:%b)?\r" % EXTENSIONS)


class SloppyReader(ChunkedReader):
    """Reads also chunked bodies whose lines are not written as they should be; `odd` says so."""

    _first, _next = re.compile(_LINE), re.compile(rb"\r?\n" + _LINE)
    _partial_first = re.compile(_PARTIAL)
    _partial_next = re.compile(rb"\r?(?:\n%b)?" % _PARTIAL)
    _stray = STRAY_IN_ANSWERS
    __slots__ = ("odd",)

    def __init__(self, limits: MessageLimits = DEFAULT, *, turn: int | None = None) -> None:
        super().__init__(502, limits, turn=turn)
        self.odd = ""

    def _check_line(self, match: re.Match[bytes], size: int, received: int) -> None:
        super()._check_line(match, size, received)
        if not _CLEAN.fullmatch(match[2]):
            self.odd = CHUNKS

    def _feed_tail(self, tail: bytearray, data: bytes) -> None:
        if self.done:
            self.rest += data
            return
        tail += data
        found = _NO_TRAILERS.match(tail)
        if found is None:
            found = END.search(tail, max(0, self._seen - 3))
            stop = found.start() if found else -1
            self._check_tail(tail, stop, len(data))
        self._seen = len(tail)
        if found is not None:
            self.done = True
            block = bytes(tail[: found.start()])
            self.trailers = self._read_trailers(self._mended(block)) if block else b""
            self.rest = bytes(tail[found.end() :])
            if found[0] not in _CLEAN_END:
                self.odd = CHUNKS

    def _mended(self, block: bytes) -> bytes:
        plain = block.removesuffix(b"\r").replace(b"\r\n", b"\n")
        for _, pattern, by in _FIELDS:
            plain = pattern.sub(by, plain)
        return plain.replace(b"\n", b"\r\n")
