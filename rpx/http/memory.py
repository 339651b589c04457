"""Heads that say what the last one of their connection said: they are not judged again.

Clients describe themselves in every request with the same words, and under load backends answer
with the same heads until the second of their Date has passed. What a head means depends on its
bytes (and for an answer on what was asked), so bytes that are the same mean the same: comparing
them takes a twentieth of the time of judging them. Nothing is shared between connections.
"""

from __future__ import annotations

import re

from rpx.http.grammar import TARGET, TOKEN
from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import MessageLimits
from rpx.http.refuse import Buffer
from rpx.http.response import ResponseHead, parse_response

MOST = 4096  # bytes of a head that are kept

# A target in another form than this decides about more than itself.
_BEGINNING = re.compile(rb"(%b++) (/%b*+)" % (TOKEN, TARGET))


class RequestMemory:
    """The last request of one client connection."""

    __slots__ = ("_head", "_limits", "_raw", "_rest")

    def __init__(self) -> None:
        self._head: RequestHead | None = None
        self._raw = b""  # as it came
        self._rest = b""  # all of that behind its target
        self._limits: MessageLimits | None = None  # that it was within

    def parse(
        self, buffer: Buffer, limits: MessageLimits, scanned: int = 0
    ) -> tuple[RequestHead, int] | None:
        """As parse_request, and with the same outcome."""
        head = self._head
        if head is not None and buffer == self._raw and limits is self._limits:
            return head, len(self._raw)
        match = _BEGINNING.match(buffer)
        if match is not None and head is not None and limits is self._limits:
            method, target = match.groups()
            at = match.end()
            if method == head.method and buffer.startswith(self._rest, at):
                end = at + len(self._rest)
                if end <= limits.head and len(target) <= limits.target:
                    return head.altered(target, head.block), end
        parsed = parse_request(buffer, limits, scanned)
        if parsed is not None and match is not None and parsed[1] <= MOST:
            self._head, end = parsed
            self._raw = bytes(buffer[:end])
            self._rest = self._raw[match.end() :]
            self._limits = limits
        return parsed


class ResponseMemory:
    """The last answer on one connection to a backend."""

    __slots__ = ("_head", "_limits", "_method", "_raw")

    def __init__(self) -> None:
        self._head: ResponseHead | None = None
        self._raw = b""
        self._method = b""  # of the request
        self._limits: MessageLimits | None = None

    def parse(
        self,
        buffer: Buffer,
        request_method: bytes,
        upgrade: bytes | None,
        limits: MessageLimits,
        scanned: int = 0,
    ) -> tuple[ResponseHead, int] | None:
        """As parse_response, and with the same outcome."""
        head = self._head
        if (
            head is not None
            and buffer.startswith(self._raw)
            and request_method == self._method
            and upgrade is None
            and limits is self._limits
        ):
            return head, len(self._raw)
        parsed = parse_response(buffer, request_method, upgrade, limits, scanned)
        if parsed is not None and upgrade is None and parsed[1] <= MOST:
            self._head, end = parsed
            self._raw = bytes(buffer[:end])
            self._method, self._limits = request_method, limits
        return parsed
