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


class Pipes:
    """The empty pipes of one project that wait for the next body."""

    def __init__(self) -> None:
        self._spare: list[Pipe] = []

    @property
    def spare(self) -> int:
        """How many wait."""
        return len(self._spare)

    def take(self) -> Pipe:
        """Return an empty pipe. Raises: OSError."""
        return self._spare.pop() if self._spare else _new_pipe()

    def give_back(self, pipe: Pipe, *, empty: bool) -> None:
        """Keep a pipe, unless there are enough; what is left in one belongs to nobody else."""
        if empty and len(self._spare) < SPARE:
            self._spare.append(pipe)
        else:
            pipe.close()

    def close(self) -> None:
        """Close those that wait."""
        while self._spare:
            self._spare.pop().close()


async def splice(source: Wire, target: Wire, count: int, pipes: Pipes) -> int:
    """Move `count` bytes from one socket to the other; return how many there were before its end.

    Raises: TargetGone; OSError and WireCut of the source.
    """
    pipe = pipes.take()
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
        pipes.give_back(pipe, empty=empty)
    return moved


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
