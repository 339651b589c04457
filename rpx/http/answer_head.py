"""The head of an answer to a client, before it is lines of HTTP/1.1 or a block of HTTP/2."""

from __future__ import annotations

from typing import NamedTuple


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
