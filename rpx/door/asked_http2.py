"""Whom the first request of HTTP/2 with prior knowledge is for: `:authority` of its HEADERS.

As little of HPACK (RFC 7541) as finds one field in the first block of a connection, whose dynamic
table is empty. Loaded when somebody comes who speaks it: browsers do so only in TLS.
"""

from __future__ import annotations

from rpx.door.asked import NOBODY, PREFACE, usual

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

SETTINGS: Final = b"\0\0\0\4\0\0\0\0\0"  # that set nothing: who gets the client sets more
HEADERS: Final = 1
CONTINUATION: Final = 9
_END_HEADERS: Final = 4
_PADDED: Final = 8
_PRIORITY: Final = 32
_LARGEST: Final = 65536  # bytes that are looked at

_NAMED: Final = {1: b":authority", 38: b"host"}  # of the static table, RFC 7541 appendix A
_STATIC: Final = 61
# Appendix B by lengths in bits: Huffman's code is canonical, so symbols in order are enough. Longer
# ones stand for what is in no host.
_SYMBOLS: Final = {
    5: b"012aceiost",
    6: b" %-./3456789=A_bdfghlmnpru",
    7: b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz",
    8: b"&*,;XZ",
    10: b'!"()?',
    11: b"'+|",
    12: b"#>",
    13: b"\x00$@[]~",
}


def of_http2(data: bytes) -> str | None:
    """The host of the first request; None: it has not come yet."""
    if not data.startswith(PREFACE):
        return None if PREFACE.startswith(data) else NOBODY
    block = b""
    for kind, flags, payload in _frames(data):
        if kind == HEADERS and not block:
            block = _without_padding(payload, flags)
        elif kind == CONTINUATION:
            block += payload
        else:
            continue
        if flags & _END_HEADERS:
            try:
                return _authority(block)
            except (IndexError, ValueError):
                return NOBODY
    return None if len(data) < _LARGEST else NOBODY


def _frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The kind, the flags and the payload of each frame that has come whole (RFC 9113 §4.1)."""
    at = len(PREFACE)
    while len(data) >= at + 9:
        end = at + 9 + int.from_bytes(data[at : at + 3], "big")
        if len(data) < end:
            return
        yield data[at + 3], data[at + 4], data[at + 9 : end]
        at = end


def _without_padding(payload: bytes, flags: int) -> bytes:
    start = end = 0
    if flags & _PADDED:
        start, end = 1, payload[0] if payload else 0
    if flags & _PRIORITY:
        start += 5
    return payload[start : len(payload) - end]


def _authority(block: bytes) -> str:
    """Raises: IndexError, ValueError for a block that isn't one."""
    at, host = 0, NOBODY
    learned: list[tuple[bytes, bytes]] = []
    while at < len(block):
        first = block[at]
        if first & 0x80:  # an indexed field: none of the static table has a host as its value
            index, at = _integer(block, at, 7)
            name, value = learned[-(index - _STATIC)] if index > _STATIC else (b"", b"")
        elif first & 0xE0 == 0x20:  # the size of the dynamic table
            _, at = _integer(block, at, 5)
            continue
        else:
            index, at = _integer(block, at, 6 if first & 0x40 else 4)
            name, at = _string(block, at) if not index else (_NAMED.get(index, b""), at)
            if index > _STATIC:
                name = learned[-(index - _STATIC)][0]
            value, at = _string(block, at)
            if first & 0x40:
                learned.append((name, value))
        if name == b":authority":
            return usual(value)
        if name == b"host":
            host = usual(value)
    return host


def _integer(block: bytes, at: int, bits: int) -> tuple[int, int]:
    most = (1 << bits) - 1
    value = block[at] & most
    at += 1
    shift = 0
    while value >= most:
        value += (block[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not block[at - 1] & 0x80:
            break
        if shift > 28:
            raise ValueError
    return value, at


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    huffman = block[at] & 0x80
    length, at = _integer(block, at, 7)
    if at + length > len(block):
        raise IndexError
    text = block[at : at + length]
    return (_decoded(text) if huffman else text), at + length


def _decoded(text: bytes) -> bytes:
    """What Huffman's code says; b"" where it says something that is in no host."""
    found = bytearray()
    code = first = bits = 0  # of the bits so far; the first code of this length; how many
    for byte in text:
        for shift in range(7, -1, -1):
            code = code << 1 | (byte >> shift & 1)
            first <<= 1
            bits += 1
            symbols = _SYMBOLS.get(bits, b"")
            if code - first < len(symbols):
                found.append(symbols[code - first])
                code = first = bits = 0
            elif bits > 13:
                return b""
            else:
                first += len(symbols)
    return bytes(found)
