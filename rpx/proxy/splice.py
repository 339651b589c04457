"""Large bodies stay in the kernel: socket → pipe → socket (splice(2), Linux only).

Measured at 1 MB: 1.3 times as fast as reading and writing 64 KB at a time, which is what happens
elsewhere. Below some 64 KB two more system calls cost more than two copies save.
"""

from __future__ import annotations

import fcntl
import os
import sys
from typing import NamedTuple

from rpx.proxy.sockets import Wire

WORTH_IT = 65536  # bytes still to come
PIPE_SIZE = 1 << 18  # 64 KB is not worth it, and 1 MB no faster
TURN = 8  # times that a pipe was filled without waiting after which the others have their turn
SPARE = 8  # pipes kept for the next body: each holds two descriptors, and no memory while empty
AVAILABLE = sys.platform == "linux" and hasattr(os, "splice")


class TargetGone(ConnectionError):
    """The side that was written to has gone."""


class Pipe(NamedTuple):
    """The two ends of an empty pipe."""

    out: int
    into: int

    def close(self) -> None:
        """Close both; what is still in it is lost."""
        os.close(self.out)
        os.close(self.into)


_spare: list[Pipe] = []


async def splice(source: Wire, target: Wire, count: int) -> int:
    """Move `count` bytes from one socket to the other; return how many there were before its end.

    Raises: TargetGone; OSError and WireCut of the source.
    """
    pipe = _spare.pop() if _spare else _new_pipe()
    moved, turn, empty = 0, TURN, True
    try:
        while moved < count:
            size = await _fill(source, pipe, count - moved)
            if not size:
                break
            source.traffic.received += size
            empty = False
            await _drain(pipe, target, size)
            empty = True
            moved += size
            turn -= 1
            if not turn:
                turn = TURN
                await source.give_way()
    finally:
        if empty and len(_spare) < SPARE:
            _spare.append(pipe)
        else:  # what is left in it belongs to nobody else
            pipe.close()
    return moved


def close_spare() -> None:
    """Close the pipes that are kept for the next body."""
    while _spare:
        _spare.pop().close()


def _new_pipe() -> Pipe:
    pipe = Pipe(*os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC))
    try:
        fcntl.fcntl(pipe.into, fcntl.F_SETPIPE_SZ, PIPE_SIZE)
    except OSError:
        pass  # the user has too many large pipes already
    return pipe


async def _fill(source: Wire, pipe: Pipe, count: int) -> int:
    while True:
        try:
            return os.splice(source.sock.fileno(), pipe.into, min(count, PIPE_SIZE))
        except BlockingIOError:
            source.may_read = source.ended = False
            await source.readable()
        except OSError as error:
            raise source.reason(error) from None


async def _drain(pipe: Pipe, target: Wire, size: int) -> None:
    while size:
        try:
            size -= os.splice(pipe.out, target.sock.fileno(), size)
        except BlockingIOError:
            try:
                await target.writable()
            except Exception as error:
                raise TargetGone from error
        except OSError as error:
            raise TargetGone from error
