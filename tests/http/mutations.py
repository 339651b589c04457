"""Transfer-Encoding lines with something strange in them, by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

BYTES = (*range(0x21), *range(0x7F, 0x100))  # all that no token has, but for the visible ones
NOTORIOUS = (0x01, 0x04, 0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1F, 0x20, 0x7F, 0xA0, 0xFF)

_PLACES = (
    b"~Transfer-Encoding: chunked",
    b"Transfer-Encoding~: chunked",
    b"Transfer-Encoding:~chunked",
    b"Transfer-Encoding: chunked~",
    b"X: X~Transfer-Encoding: chunked",
    b"X: X\r~Transfer-Encoding: chunked",
    b"X: X~\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked~X: X",
    b"Transfer-Encoding: chunked\r~X: X",
    b"Transfer-Encoding: chunked~\nX: X",
)
_TWO_PLACES = (
    b"~Transfer-Encoding~: chunked",
    b"~Transfer-Encoding:~chunked",
    b"~Transfer-Encoding: chunked~",
    b"Transfer-Encoding~:~chunked",
    b"Transfer-Encoding~: chunked~",
    b"Transfer-Encoding:~chunked~",
)


def mutations(
    of: Iterable[int], places: Iterable[bytes] = _PLACES + _TWO_PLACES
) -> Iterator[bytes]:
    """Yield one or two field lines, without the last CRLF, for each place and byte."""
    for byte in of:
        for place in places:
            yield place.replace(b"~", bytes((byte,)))


def notorious() -> Iterator[bytes]:
    """Yield what smuggler tries by default: 13 bytes at ten places, and whitespace at four."""
    yield from mutations(NOTORIOUS, _PLACES)
    for name, value in (
        (b" Transfer-Encoding:", b" chunked"),
        (b"Transfer-Encoding:", b"\tchunked"),
        (b"Transfer-Encoding\t:", b"\tchunked"),
        (b"Transfer-Encoding :", b" chunked"),
    ):
        yield name + value
