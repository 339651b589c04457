"""A real pseudo-terminal with a command in it, and what would be seen there, as text."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import forkserver
from tests.support.project import RPX

SOON = 30.0  # seconds


class Terminal:
    """The outer end of a pty, the process in it, and the screen that it draws."""

    def __init__(
        self,
        command: Sequence[str],
        size: tuple[int, int],
        *,
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        """`size` is columns and rows."""
        pyte = pytest.importorskip("pyte", reason="pyte, the terminal of the tests, is missing")
        self.screen: Any = pyte.HistoryScreen(*size, history=1000, ratio=0.5)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.fd, theirs = pty.openpty()
        self._set_size(*size)
        left_out = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR")
        env = {name: each for name, each in environment.items() if name not in left_out}
        self.process = _start(command, folder, {**env, "TERM": "xterm-256color"}, theirs)
        self._theirs = theirs  # open, so that its modes can be looked at

    def lines(self) -> list[str]:
        """Return what the screen shows, without empty lines at its end."""
        text = "\n".join(line.rstrip() for line in self.screen.display)
        return text.rstrip().split("\n")

    def scrolled(self) -> list[str]:
        """Return what has left the screen at its top."""
        rows = self.screen.history.top
        width = self.screen.columns
        return ["".join(row[x].data for x in range(width)).rstrip() for row in rows]

    def read(self, seconds: float = 0.05) -> bool:
        """Take in what comes within a time; False at the end."""
        readable, _, _ = select.select([self.fd], [], [], seconds)
        if not readable:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def until(self, condition: Callable[[], Any], what: str, within: float = SOON) -> None:
        """Read until something is true of the screen."""
        end = time.monotonic() + within
        while not condition():
            shown = "\n".join(self.lines())
            assert time.monotonic() < end, f"not within {within:g} s: {what}\n{shown}"
            self.read()

    def until_shown(self, text: str) -> None:
        """Read until the screen has a text."""
        self.until(lambda: text in "\n".join(self.lines()), repr(text))

    def ended(self) -> int:
        """Read to the end of the process; its exit code."""
        self.until(lambda: self.process.poll() is not None, "the end")
        while select.select([self.fd], [], [], 0)[0] and self.read(0):
            pass
        return self.process.wait()

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.fd, text.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the window, as its owner does: the size, the picture, and the signal for it."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    @property
    def echoes(self) -> bool:
        """Whether keys are shown as they are typed."""
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def close(self) -> None:
        """End the process and the terminal."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.fd)
        os.close(self._theirs)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def _start(
    command: Sequence[str], folder: Path, env: Mapping[str, str], terminal: int
) -> subprocess.Popen[bytes] | forkserver.Started:
    """Run a command with a terminal as its controlling one."""
    if tuple(command[:3]) == RPX and forkserver.fits(env):
        return forkserver.start(
            command[3:],
            cwd=folder,
            env=env,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            session=True,
            terminal=True,
        )
    return subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - nothing else runs
    )


@contextmanager
def terminal(
    command: Sequence[str],
    size: tuple[int, int],
    *,
    folder: Path,
    environment: Mapping[str, str],
) -> Iterator[Terminal]:
    """Run a command in a terminal of so many columns and rows."""
    there = Terminal(command, size, folder=folder, environment=environment)
    try:
        yield there
    finally:
        there.close()
