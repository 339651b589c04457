"""What is refused, and how much is accepted."""

from __future__ import annotations

from dataclasses import dataclass


class BadMessage(Exception):
    """A message that is not sent on. The connection it came from has lost its meaning: close it.

    `status` is for the answer to the client (4xx and 5xx for a request, 502 for a response),
    `reason` one clear sentence for the page. It never quotes the message's bytes. `speaks` is the
    protocol of a backend that doesn't speak HTTP.
    """

    def __init__(self, status: int, reason: str, *, speaks: str = "") -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.speaks = speaks

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """Sizes in bytes. RFC 9112 §3 recommends at least 8,000 for a request line."""

    head: int = 65536  # start line and fields; beyond it 431
    lines: int = 100  # field lines of a request's head or a trailer section; HAProxy takes 101
    answer_lines: int = 1000  # of answers: nginx and Caddy count none
    target: int = 16384  # beyond it 414
    method: int = 64  # beyond it 501
    chunk_line: int = 4096  # one chunk's size with its extensions
    chunk_extensions: int = 16384  # all extensions of a body, beyond one byte per byte of payload


DEFAULT = MessageLimits()
