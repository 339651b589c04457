"""Frames of HTTP/2 (RFC 9113 §4, §6): nine bytes, and a payload whose length they tell."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # §3.4: what a client says first
HEAD: Final = struct.Struct(">HBBBI")  # length (its upper 16 bits, the rest), kind, flags, stream
SIZE: Final = HEAD.size

# Kinds, §6
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = 0, 1, 2, 3, 4
PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 5, 6, 7, 8, 9

# Flags, §6; the first is ACK on SETTINGS and PING
END_STREAM = ACK = 1
END_HEADERS, PADDED, WITH_PRIORITY = 4, 8, 32

# Error codes, §7
NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR = 0, 1, 2, 3
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL = 5, 6, 7, 8
COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM = 9, 10, 11

# Settings, §6.5.2 and RFC 8441 §3
ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 2, 3, 4
MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE, ENABLE_CONNECT_PROTOCOL = 5, 6, 8

LARGEST: Final = 16384  # bytes of a payload: what no side has to raise by a setting
LARGEST_EVER: Final = 2**24 - 1  # and to what it may raise it
LATEST: Final = 2**31 - 1  # no stream's number is higher, and no window larger
FIRST_WINDOW: Final = 65535  # bytes that may be sent before anything else is said, §6.9.2


class ConnectionFault(Exception):
    """The other side errs so that the connection is to end, with that error code (§5.4.1)."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a whole frame. `stream`: its number, 0 for the connection."""
    size = len(payload)
    return HEAD.pack(size >> 8, size & 255, kind, flags, stream) + payload


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """Return a SETTINGS with those values (§6.5)."""
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *each) for each in values))


def goaway(last: int, code: int) -> bytes:
    """Return a GOAWAY (§6.8). Streams above `last` were not and will not be answered."""
    return frame(GOAWAY, 0, 0, struct.pack(">II", last, code))


def number_at(data: bytes, at: int) -> int:
    """The 31 bits of a stream's number or a window's, which begin there."""
    return int.from_bytes(data[at : at + 4], "big") & LATEST
