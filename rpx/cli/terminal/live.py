"""A picture on the whole terminal, drawn again and again, which is left as it was."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Final, Self

from rpx.cli.terminal.table import clipped

# Another screen than the one with the shell's lines, no cursor, and nothing wraps; and back.
ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l"
LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"
ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)

Draw = Callable[[], list[str]]


class Left(BaseException):
    """The user has had enough, or a signal says so. No error: nobody may take it for one."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def can_draw() -> bool:
    """Tell whether stdout is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class Live:
    """`with Live() as live`: the terminal is ours. Raises: Left at `q`, SIGTERM, SIGHUP, SIGQUIT.

    `keep`: the last picture is printed among the shell's lines in the end.
    """

    def __init__(self, *, keep: bool = False) -> None:
        self._keep = keep
        self._draw: Draw | None = None
        self._keys = False
        self._terminal: list[Any] = []  # how it was

    def __enter__(self) -> Self:
        self._wakeup, theirs = os.pipe()
        for end in (self._wakeup, theirs):
            os.set_blocking(end, False)
        self._theirs = theirs
        self._wakeup_before = signal.set_wakeup_fd(theirs, warn_on_full_buffer=False)
        self._before = {
            **{signum: signal.signal(signum, self._ended) for signum in ENDING},
            signal.SIGWINCH: signal.signal(signal.SIGWINCH, lambda *_: None),
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, self._suspended),
        }
        self._take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for signum in self._before:
            signal.signal(signum, signal.SIG_IGN)  # one that comes now would leave it half done
        self._give_back()
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._wakeup)
        os.close(self._theirs)
        for signum, handler in self._before.items():
            signal.signal(signum, handler)
        if self._keep and self._draw is not None:
            self._write("".join(f"{line}\n" for line in self._draw()))

    def show(self, draw: Draw) -> None:
        """Draw; `draw` is asked again when the window changes."""
        self._draw = draw
        rows = shutil.get_terminal_size().lines
        lines = "\r\n".join(f"{line}\x1b[K" for line in clipped(draw(), rows))
        self._write(f"\x1b[H{lines}\x1b[J")

    def wait(self, seconds: float) -> None:
        """Wait for so many seconds; meanwhile listen to keys and follow the window.

        Raises: Left at `q`.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            keyboard = [sys.stdin.fileno()] if self._keys else []
            readable, _, _ = select.select([self._wakeup, *keyboard], [], [], left)
            if self._wakeup in readable:
                os.read(self._wakeup, 4096)
                if self._draw is not None:
                    self.show(self._draw)
            if keyboard and keyboard[0] in readable:
                keys = os.read(keyboard[0], 4096)
                self._keys = bool(keys)
                if b"q" in keys.lower():
                    raise Left(0)

    def _take(self) -> None:
        self._keys = False
        with suppress(OSError, ValueError, termios.error):
            fd = sys.stdin.fileno()
            # In the background the kernel stops us for it, until the shell brings us back. Not the
            # whole of a group that somebody else leads (`timeout 5s rpx top`): nobody would.
            if os.getpgrp() in (os.getpid(), os.tcgetpgrp(fd)):
                self._terminal = termios.tcgetattr(fd)
                mode = termios.tcgetattr(fd)
                mode[3] &= ~(termios.ICANON | termios.ECHO)
                termios.tcsetattr(fd, termios.TCSADRAIN, mode)
                self._keys = True
        self._write(ENTER)

    def _give_back(self) -> None:
        with suppress(Left):  # the terminal is gone: nobody sees how it was left
            self._write(LEAVE)
        if self._terminal:
            with suppress(OSError, ValueError, termios.error):
                # What was typed meanwhile was for us, not for the shell.
                termios.tcsetattr(sys.stdin.fileno(), termios.TCSAFLUSH, self._terminal)

    def _write(self, text: str) -> None:
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            raise Left(128 + signal.SIGHUP) from None

    def _ended(self, signum: int, _frame: FrameType | None) -> None:
        raise Left(128 + signum)

    def _suspended(self, _signum: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: the shell has its terminal until we go on."""
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspended)
        self._take()
        if self._draw is not None:
            self.show(self._draw)
