"""Lines of HTTP/1.1 as fields of HTTP/2, each encoded once for its connection.

Backends say the same lines in answer after answer, but for a date and a length. To find one in a
dict takes a tenth of the time of taking it apart and encoding it.
"""

from __future__ import annotations

from typing import Final

from rpx.http.answer_head import AnswerHead
from rpx.http.hpack import encode_field

# Of one connection, which here has others to itself (RFC 9113 §8.2.2).
_HOPS = frozenset((b"connection", b"transfer-encoding", b"upgrade"))
_ACCEPT: Final = b"sec-websocket-accept:"

LINES: Final = 512  # that are remembered
LINE: Final = 256  # bytes of one


class LineEncoder:
    """What one connection has been told."""

    __slots__ = ("_known", "_statuses")

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}
        self._statuses: dict[int, bytes] = {}

    def head(self, head: AnswerHead) -> list[bytes]:
        """Return the fields of a head, each encoded by itself, without what HTTP/2 doesn't have.

        Of a 101 they are those of the 200 to the CONNECT that has asked for it (RFC 8441 §5).
        """
        lines = head.block.split(b"\r\n")
        lines += head.ours.split(b"\r\n")
        status = head.status
        if status == 101:
            lines = [line for line in lines if line[: len(_ACCEPT)].lower() != _ACCEPT]
            status = 200
        return [self._statuses.get(status) or self._status(status), *self._encoded(lines)]

    def trailers(self, lines: bytes) -> list[bytes]:
        """Return the fields of trailers, as ChunkedReader gives them."""
        return self._encoded(lines.split(b"\r\n"))

    def _encoded(self, lines: list[bytes]) -> list[bytes]:
        known = self._known
        return [known[line] if line in known else self._line(line) for line in lines]

    def _status(self, status: int) -> bytes:
        encoded = self._statuses[status] = encode_field((b":status", b"%d" % status))
        return encoded

    def _line(self, line: bytes) -> bytes:
        name, _, value = line.partition(b":")
        name = name.lower()
        encoded = b""  # before the first CRLF, and behind the last, there is nothing
        if line and name not in _HOPS:
            encoded = encode_field((name, value.strip(b" \t")))
        if len(line) <= LINE:
            if len(self._known) >= LINES:
                self._known.clear()
            self._known[line] = encoded
        return encoded
