"""Files on their way to clients: by the kernel alone where it can, else a piece at a time.

Nothing is collected, and who is slow holds up nobody else. (The file itself is read in this
thread. What is not in the page cache waits for its disk there, as with nginx.)
"""

from __future__ import annotations

import errno
import os
from typing import Final

from rpx.http.answer_head import AnswerHead
from rpx.http.file_answer import FileAnswer
from rpx.proxy.client import Client
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import Buffers, ClientWire

SMALL: Final = 65536  # bytes that are read whole and sent with the head, in one call
PIECE: Final = 65536  # bytes that are read at once elsewhere
AT_ONCE: Final = 1 << 21  # bytes that the kernel is asked to send in one call, as nginx does
TURN: Final = 4  # pieces that were taken without waiting, after which the others have their turn
# A file system that can't do it, or a kind of socket.
_UNABLE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSOCK})


class Shrunk(Exception):
    """A file is shorter than its head has said, or can't be read: what was sent isn't all."""


def read_whole(fd: int, answer: FileAnswer) -> Buffers:
    """Return the body of an answer of at most SMALL bytes. Raises: Shrunk."""
    parts = answer.multipart
    if parts is None:
        return [_read(fd, start, end) for start, end in answer.spans]
    pieces: Buffers = []
    for preface, (start, end) in zip(parts.prefaces, answer.spans, strict=True):
        pieces += preface, _read(fd, start, end)
    return [*pieces, parts.end]


def _read(fd: int, start: int, end: int) -> bytes:
    try:
        data = os.pread(fd, end - start, start)
    except OSError as error:
        raise Shrunk from error
    if len(data) < end - start:
        raise Shrunk
    return data


class FileBody:
    """An open file, on its way to one client."""

    __slots__ = ("_fd", "_turn")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._turn = TURN

    async def send(self, client: Client, head: AnswerHead, answer: FileAnswer) -> None:
        """Send a head and the parts of the file behind it that `answer` has.

        Raises: Shrunk; OSError, WireCut when the client has gone.
        """
        await client.send_head(head, [])
        parts = answer.multipart
        for number, span in enumerate(answer.spans):
            if parts is not None:
                await client.wire.send(parts.prefaces[number])
            await self._send(client.wire, span.start, span.end)
        if parts is not None:
            await client.wire.send(parts.end)

    async def _send(self, wire: ClientWire, start: int, end: int) -> None:
        if wire.plain and isinstance(wire, Wire):
            start = await self._by_kernel(wire, start, end)
        while start < end:
            data = _read(self._fd, start, min(start + PIECE, end))
            await wire.send(data)
            start += len(data)
            await self._step(wire)

    async def _by_kernel(self, wire: Wire, at: int, end: int) -> int:
        """Send by sendfile(2); return up to where, which is before the end if it isn't possible."""
        while at < end:
            try:
                sent = os.sendfile(wire.sock.fileno(), self._fd, at, min(AT_ONCE, end - at))
            except (BlockingIOError, InterruptedError):
                await wire.writable()
                self._turn = TURN
                continue
            except OSError as error:
                if error.errno in _UNABLE:
                    return at
                if error.errno == errno.EIO:
                    raise Shrunk from error
                raise wire.reason(error) from None
            if not sent:
                raise Shrunk
            wire.traffic.sent += sent
            at += sent
            await self._step(wire)
        return at

    async def _step(self, wire: ClientWire) -> None:
        """(A stream has its turns from the connection that it shares.)"""
        self._turn -= 1
        if not self._turn and isinstance(wire, Wire):
            self._turn = TURN
            await wire.give_way()
