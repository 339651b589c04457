"""The frames of HTTP/2 as they come in: whole ones are passed on, and too many of a kind end it.

What h2 can't or won't bound is bounded here: frames that cost their sender nothing and us something
(RFC 9113 §10.5). A GOAWAY stays here as well: to h2 it would be the end of streams under way.
"""

from __future__ import annotations

import struct

NO_ERROR, PROTOCOL_ERROR, FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM = 0, 1, 6, 11  # RFC 9113 §7
LARGEST = 16384  # bytes of a frame's payload: what we have not raised by a setting
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LATEST = 2**31 - 1  # no stream's number is higher

# A browser that loads a page of some hundred modules anew cancels up to as many streams as it may
# have open, at each save of a file. An attack by reset has tens of thousands a second.
BURST = 1000.0  # frames for nothing, at once
RATE = 500.0  # and each second from then on
OWED = 2000  # replies to them that wait for a client that doesn't read
PIECES = 32  # frames of one head

_DATA, _HEADERS, _GOAWAY, _CONTINUATION = 0, 1, 7, 9
_END_STREAM, _END_HEADERS = 1, 4
_ACK = 1
_REPLIED = frozenset((4, 6))  # SETTINGS and PING


class Flood(Exception):
    """The connection is to end, with that error code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Intake:
    """Cuts what comes into frames. `owed` counts those that we have to answer."""

    __slots__ = ("_block", "_calm", "_most", "_pieces", "_rest", "_since", "owed")

    def __init__(self, most: int, now: float) -> None:
        """`most`: bytes of an encoded head."""
        self._rest = b""  # the beginning of a frame
        self._most = most
        self._calm = BURST
        self._since = now
        self._block = 0  # bytes of the present head
        self._pieces = 0  # frames of it
        self.owed = 0

    @property
    def within(self) -> bool:
        """A frame has begun, and the rest of it is still to come; or a head has."""
        return bool(self._rest or self._pieces)

    def feed(self, data: bytes, now: float) -> bytes:
        """Return the frames that are whole now. Raises Flood; what came before counts no more."""
        self._calm = min(BURST, self._calm + (now - self._since) * RATE)
        self._since = now
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        if data.startswith(PREFACE[:size]) and data[:1] == b"P":
            if size < len(PREFACE):
                self._rest = data
                return b""
            at = len(PREFACE)
        out: list[bytes] = []
        begin = 0
        while at + 9 <= size:
            length = int.from_bytes(data[at : at + 3], "big")
            if length > LARGEST:
                raise Flood(FRAME_SIZE_ERROR, "a frame is too large")
            end = at + 9 + length
            if end > size:
                break
            kind, flags = data[at + 3], data[at + 4]
            self._judge(kind, flags, length)
            if kind == _GOAWAY:
                out.append(data[begin:at])
                begin = end
            at = end
        self._rest = data[at:]
        out.append(data[begin:at])
        return b"".join(out)

    def _judge(self, kind: int, flags: int, length: int) -> None:
        if kind in (_HEADERS, _CONTINUATION):
            self._head(kind, flags, length)
        elif kind != _DATA or (not length and not flags & _END_STREAM):
            self._calm -= 1
            self.owed += kind in _REPLIED and not flags & _ACK
        if self._calm < 0 or self.owed > OWED:
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
        self._calm = min(BURST, self._calm + 2)


def goaway(last: int, code: int) -> bytes:
    """A GOAWAY (RFC 9113 §6.8). Streams above `last` were not and will not be answered."""
    return struct.pack(">HBBBIII", 0, 8, _GOAWAY, 0, 0, last, code)
