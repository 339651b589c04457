"""The frames of HTTP/2 as they come in: whole ones are passed on, and too many of a kind end it.

Frames of data that follow each other on one stream are passed on as one. An upload comes in frames
of 16 KB or less, whatever its client could send, and h2 takes as long for a small one as for all.

What h2 can't or won't bound is bounded here: frames that cost their sender nothing and us something
(RFC 9113 §10.5). A GOAWAY stays here as well: to h2 it would be the end of streams under way.
"""

from __future__ import annotations

import struct

NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM = 0, 1, 6, 11  # RFC 9113 §7
LARGEST = 16384  # bytes of a frame's payload: what we have not raised by a setting
Buffer = bytes | memoryview
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LATEST = 2**31 - 1  # no stream's number is higher

# A browser that loads a page of some hundred modules anew cancels up to as many streams as it may
# have open, at each save of a file. An attack by reset has tens of thousands a second.
BURST = 1000.0  # frames for nothing, at once
RATE = 500.0  # and each second from then on
AT_ONCE = 256  # frames with data that are taken in one go: a read may bring thousands
PIECES = 32  # frames of one head

_DATA, _HEADERS, _SETTINGS, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = 0, 1, 4, 7, 8, 9
_END_STREAM, _END_HEADERS, _PADDED = 1, 4, 8
_WHOLE = bytes(4)  # the stream of frames for the whole connection


class Flood(Exception):
    """The connection is to end, with that error code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Intake:
    """Cuts what comes into frames. `waiting`: there may be more of them; feed it with b""."""

    __slots__ = (
        "_begun",
        "_block",
        "_calm",
        "_due",
        "_most",
        "_pieces",
        "_rest",
        "_since",
        "waiting",
    )

    def __init__(self, most: int, now: float) -> None:
        """`most`: bytes of an encoded head."""
        self._rest = b""  # the beginning of a frame
        self._most = most
        self._calm = BURST
        self._since = now
        self._block = 0  # bytes of the present head
        self._pieces = 0  # frames of it
        self._due = 0  # acknowledgements of what we have sent
        self._begun = False  # its settings have come
        self.waiting = False

    @property
    def within(self) -> bool:
        """A frame has begun, and the rest of it is still to come; or a head has."""
        return bool(self._rest or self._pieces)

    def feed(self, data: bytes, now: float) -> bytes:
        """Return frames that are whole now. Raises: Flood; what came before counts no more."""
        self._calm = min(BURST, self._calm + (now - self._since) * RATE)
        self._since = now
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        if not self._begun:
            at = self._beginning(data)
            if at < 0:
                self._rest = data
                return b""
        out: list[Buffer] = []
        view = memoryview(data)
        begin = 0  # of what is not in `out` yet
        run = _Run()
        left = AT_ONCE
        while at + 9 <= size and left:
            length = int.from_bytes(data[at : at + 3], "big")
            kind, flags = data[at + 3], data[at + 4]
            if length > LARGEST:
                raise Flood(FRAME_SIZE_ERROR, "a frame is too large")
            end = at + 9 + length
            if end > size:
                break
            left -= kind == _DATA and length > 0
            self._judge(kind, flags, length, data[at + 9] if length else 0)
            if kind == _DATA and flags & ~_END_STREAM == 0:
                begin = run.take(view, begin, at, end, out)
            else:
                run.end(out)
                # (One that isn't as it should be is for h2 to refuse.)
                if kind == _GOAWAY and length >= 8 and data[at + 5 : at + 9] == _WHOLE:
                    out.append(data[begin:at])
                    begin = end
            at = end
        self._rest = data[at:]
        self.waiting = not left
        run.end(out)
        out.append(view[begin:at])
        return b"".join(out)

    def _beginning(self, data: bytes) -> int:
        """Return where the first frame begins, -1 until that has come. Raises: Flood."""
        at = len(PREFACE)
        if data[:at] != PREFACE[: len(data)] or (len(data) > at + 3 and data[at + 3] != _SETTINGS):
            raise Flood(PROTOCOL_ERROR, "it does not begin as RFC 9113 §3.4 says")
        self._begun = len(data) > at + 3
        return at if self._begun else -1

    def _judge(self, kind: int, flags: int, length: int, first: int) -> None:
        """`first`: byte of the payload, which is the length of padding where there is some."""
        if kind == _DATA and flags & _PADDED and length:
            length = max(length - 1 - first, 0)
        if kind in (_HEADERS, _CONTINUATION):
            self._head(kind, flags, length)
        elif kind == _WINDOW_UPDATE and self._due:
            self._due -= 1
        elif kind != _DATA or (not length and not flags & _END_STREAM):
            self._calm -= 1
        if self._calm < 0:
            raise Flood(ENHANCE_YOUR_CALM, "too many frames for nothing")

    def _head(self, kind: int, flags: int, length: int) -> None:
        if kind == _HEADERS:
            self._block = self._pieces = 0
        self._block += length
        self._pieces += 1
        if self._block > self._most or self._pieces > PIECES:
            raise Flood(ENHANCE_YOUR_CALM, "a head is too large")
        if flags & _END_HEADERS:
            self._pieces = 0

    def progress(self) -> None:
        """We have sent a piece of a body: it may be acknowledged, twice."""
        self._due += 2

    def blame(self) -> None:
        """The client has made us reset a stream, which is as good as doing so."""
        self._calm -= 1


class _Run:
    """Frames of data, each behind the other and on the same stream."""

    __slots__ = ("_first", "_flags", "_pieces", "_size", "_stream")

    def __init__(self) -> None:
        self._stream = b""  # its number; b"": there is no run
        self._first = 0  # where its first frame begins
        self._pieces: list[Buffer] = []  # payloads, from the second frame on
        self._size = 0
        self._flags = 0

    def take(self, data: memoryview, begin: int, at: int, end: int, out: list[Buffer]) -> int:
        """Take data[at:end], a frame; return from where on `data` is still to be put out."""
        stream = bytes(data[at + 5 : at + 9])
        if stream != self._stream or self._flags:
            self.end(out)
            self._stream, self._first, self._flags = stream, at, data[at + 4]
            return begin
        if not self._pieces:
            out.append(data[begin : self._first])
            self._pieces.append(data[self._first + 9 : at])
            self._size = at - self._first - 9
        self._pieces.append(data[at + 9 : end])
        self._size += end - at - 9
        self._flags = data[at + 4]
        return end

    def end(self, out: list[Buffer]) -> None:
        """Put out the one frame that the run has become, if it was several."""
        if self._pieces:
            head = struct.pack(">BHBB", self._size >> 16, self._size & 0xFFFF, _DATA, self._flags)
            out += (head, self._stream, *self._pieces)
            self._pieces.clear()
        self._stream = b""


def goaway(last: int, code: int) -> bytes:
    """A GOAWAY (RFC 9113 §6.8). Streams above `last` were not and will not be answered."""
    return struct.pack(">HBBBIII", 0, 8, _GOAWAY, 0, 0, last, code)
