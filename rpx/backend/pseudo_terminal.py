"""A terminal of a process's own, which nobody types at: what the process prints comes as lines."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import struct
import termios
from collections.abc import Mapping
from typing import Final

import trio

from rpx.backend.shell import BASHES, SH, dropped

USUAL: Final = (80, 24)  # columns and lines, where rpx has no terminal to take them from
# The leader of a session that opens a terminal by its name has it as its controlling one: that is
# what /dev/tty, job control and a hangup need. (TIOCSCTTY would take a `preexec_fn`.)
_TAKE: Final = ': <"$0"; exec "$@"'
_OFLAG, _LFLAG = 1, 3  # places in what tcgetattr gives


def open_terminal() -> tuple[int, int, str]:
    """Return both ends of a new one, rpx's and the process's, and the path of the latter.

    It is as wide as the terminal of rpx is now. Raises: OSError when the system has none to give.
    """
    ours, theirs = os.openpty()
    settings = termios.tcgetattr(theirs)
    settings[_OFLAG] &= ~termios.ONLCR  # lines end as in a pipe
    settings[_LFLAG] &= ~termios.ECHO
    termios.tcsetattr(theirs, termios.TCSANOW, settings)
    columns, lines = shutil.get_terminal_size(USUAL)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return ours, theirs, os.ttyname(theirs)


def at_terminal(
    command: tuple[str, ...], environment: Mapping[str, str], path: str
) -> tuple[str, ...]:
    """Return what runs a command with the terminal at `path` as its controlling one.

    A shell does that, and is replaced; all of the `environment` passes through it.
    """
    odd = dropped(environment)
    if not odd:
        return (SH, "-c", _TAKE, path, *command)
    if bash := next(filter(os.path.exists, BASHES), None):
        return (bash, "--posix", "-c", _TAKE, path, *command)
    added = " ".join(shlex.quote(f"{name}={environment[name]}") for name in odd)
    return (SH, "-c", f': <"$0"; exec env {added} "$@"', path, *command)


class TerminalOutput(trio.abc.ReceiveStream):
    """What a process prints on its terminal; it ends when no process has that open any more."""

    def __init__(self, ours: int) -> None:
        self._stream = trio.lowlevel.FdStream(ours)

    def fileno(self) -> int:
        """The descriptor of rpx's end."""
        return self._stream.fileno()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            return await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError:  # EIO, as Linux says it
            return b""

    async def aclose(self) -> None:
        await self._stream.aclose()
