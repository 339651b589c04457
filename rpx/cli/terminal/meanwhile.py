"""What is said while a drill runs: a line on a terminal that changes, or lines of JSON."""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from rpx.cli.terminal.output import say
from rpx.drill.drill_progress import DrillProgress
from rpx.drill.report import Shot

CLEAR: Final = "\r\x1b[K"


class Meanwhile:
    """`with Meanwhile(duration) as line`. Without a terminal there is no such line."""

    def __init__(self, duration: float) -> None:
        """`duration` in seconds."""
        self._duration = duration
        self._began = time.monotonic()
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._progress = DrillProgress(duration)
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
        so_far = self._progress
        so_far.take(shots)
        _, ready, _ = select.select([], [sys.stderr], [], 0)
        if ready:
            passed = min(time.monotonic() - self._began, self._duration)
            text = (
                f"{passed:.1f} of {self._duration:g} s: {so_far.sent} sent, "
                f"{so_far.failed} failed, longest {so_far.longest * 1000:.1f} ms"
            )
            sys.stderr.write(f"{CLEAR}{text[: shutil.get_terminal_size().columns - 1]}")
            sys.stderr.flush()
            self._there = True

    def _clear(self) -> None:
        if self._there:
            sys.stderr.write(CLEAR)
            sys.stderr.flush()
            self._there = False


class ProgressLines:
    """The same for programs, likewise: `{"said": …}` and `{"progress": …}`, a line each."""

    def __init__(self, duration: float) -> None:
        """`duration` in seconds."""
        self._duration = duration
        self._began = time.monotonic()
        self._progress = DrillProgress(duration)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, text: str) -> None:
        """Print what has happened."""
        print(json.dumps({"said": text}), flush=True)

    def show(self, shots: Sequence[Shot]) -> None:
        """Print how far it is, if the reader is there to take it."""
        self._progress.take(shots)
        passed = min(time.monotonic() - self._began, self._duration)
        if select.select([], [sys.stdout], [], 0)[1]:
            print(json.dumps({"progress": self._progress.json(passed)}), flush=True)
