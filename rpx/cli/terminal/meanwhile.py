"""One line on a terminal that changes while a drill runs, and has gone when it is over."""

from __future__ import annotations

import os
import select
import shutil
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rpx.cli.terminal.output import say
from rpx.drill.report import Shot

CLEAR: Final = "\r\x1b[K"


class Meanwhile:
    """`with Meanwhile(duration) as line`. Without a terminal there is no such line."""

    def __init__(self, duration: float) -> None:
        """`duration` in seconds."""
        self._duration = duration
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._seen = self._failed = 0
        self._longest = 0.0
        self._there = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clear()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._clear()
        say(text)

    def show(self, shots: Sequence[Shot]) -> None:
        """Count those that are new. It waits for nobody: a terminal may stand still (Ctrl-S)."""
        if not self._terminal:
            return
        for shot in shots[self._seen :]:
            self._failed += bool(shot.why_failed)
            self._longest = max(self._longest, shot.took)
        self._seen = len(shots)
        _, ready, _ = select.select([], [sys.stderr], [], 0)
        if ready:
            passed = min(time.monotonic() - self._began, self._duration)
            text = (
                f"{passed:.1f} of {self._duration:g} s: {self._seen} sent, "
                f"{self._failed} failed, longest {self._longest * 1000:.1f} ms"
            )
            sys.stderr.write(f"{CLEAR}{text[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
            self._there = True

    def _clear(self) -> None:
        if self._there:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
            self._there = False
