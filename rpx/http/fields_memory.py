"""Requests of HTTP/2 that say what the last one of their connection said, but for the path.

As memory.py has it for HTTP/1.1: what a head means depends on its fields, so fields that are the
same mean the same, and comparing them takes a twentieth of the time of judging them. Mostly they
are the same objects, since the decoder of HPACK remembers them, too.
"""

from __future__ import annotations

import re
from typing import Final

from rpx.http.fields import Asked, read_fields, request_of
from rpx.http.framing import CHUNKED
from rpx.http.grammar import TARGET
from rpx.http.head import RequestHead
from rpx.http.hpack import Field, Fields
from rpx.http.limits import BadMessage, MessageLimits

MOST: Final = 4096  # bytes of a head that is kept

_TARGET = re.compile(rb"/%b*+" % TARGET)


class FieldsMemory:
    """The last request of one connection."""

    __slots__ = ("_at", "_ended", "_head", "_limits", "_others", "_room")

    def __init__(self) -> None:
        self._head: RequestHead | None = None
        self._at = 0  # where its fields have the path
        self._others: tuple[Field, ...] = ()  # and all but that
        self._ended = False  # no body followed
        self._limits: MessageLimits | None = None  # that it was within
        self._room = 0  # bytes that a path may have then

    def read(self, fields: Fields, limits: MessageLimits, *, ended: bool) -> RequestHead | Asked:
        """Read and judge the head of a request; `ended`: no body follows. Raises: Malformed.

        What was asked is returned where that can't be judged yet, a body whose length isn't told or
        a WebSocket; and what is refused: `request_of` says how.
        """
        head, at = self._head, self._at
        if (
            head is not None
            and len(fields) == len(self._others) + 1
            and fields[:at] + fields[at + 1 :] == self._others
            and ended == self._ended
            and limits is self._limits
        ):
            name, path = fields[at]
            if path == head.target and name == b":path":
                return head
            if len(path) <= self._room and name == b":path" and _TARGET.fullmatch(path):
                return head.altered(path, head.block)
        asked = read_fields(fields, ended=ended)
        if asked.websocket or asked.length == CHUNKED:
            return asked
        try:
            head = request_of(asked, limits)
        except BadMessage:
            return asked
        self._keep(head, fields, limits, ended=ended)
        return head

    def _keep(
        self, head: RequestHead, fields: Fields, limits: MessageLimits, *, ended: bool
    ) -> None:
        size = sum(len(name) + len(value) + 4 for name, value in fields)
        path = next((value for name, value in fields if name == b":path"), b"")
        if size > MOST or not _TARGET.fullmatch(path):
            return
        self._head, self._ended, self._limits = head, ended, limits
        self._at = fields.index((b":path", path))
        self._others = fields[: self._at] + fields[self._at + 1 :]
        self._room = min(limits.target, limits.head - size)
