"""The head of an answer to a client, before it is lines of HTTP/1.1 or fields of HTTP/2."""

from __future__ import annotations

from typing import NamedTuple

from rpx.http.fields import split_lines
from rpx.http.hpack import Field

_HOPS = frozenset((b"connection", b"transfer-encoding", b"upgrade"))  # HTTP/2 has none of them


class AnswerHead(NamedTuple):
    """What a client is told before the body.

    status, reason  reason may be empty
    block           a backend's field lines, each with the CRLF *before* it
    ours            further lines, each with its CRLF behind it: also those about the framing and
                    the connection, which are for HTTP/1.1
    length          the body that follows: n bytes (0: none), CHUNKED or UNTIL_CLOSE
    """

    status: int
    reason: bytes
    block: bytes
    ours: bytes
    length: int

    def lines(self) -> bytes:
        """The whole head as HTTP/1.1 has it."""
        return b"HTTP/1.1 %d %b%b\r\n%b\r\n" % self[:4]

    def fields(self) -> list[Field]:
        """The head as HTTP/2 has it: `:status`, and what is not for one connection."""
        fields = [(b":status", b"%d" % self.status)]
        fields += split_lines(self.block.split(b"\r\n"))
        fields += [
            field for field in split_lines(self.ours.split(b"\r\n")) if field[0] not in _HOPS
        ]
        return fields
