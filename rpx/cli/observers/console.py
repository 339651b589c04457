"""The console of `rpx up`: an observer that prints what backends print, and what rpx says of them.

It never holds up the supervisor: output is collected in a bounded backlog, and written batch by
batch in a worker thread. A terminal that stands still costs lines, which are counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from rpx.cli.terminal.screen import Layout
from rpx.hub.backlog import Backlog
from rpx.hub.drain import drain
from rpx.hub.error_boundary import contain_errors
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown

BATCH = 64 * 1024  # bytes of output: rendering them takes 1 ms at most, and requests wait meanwhile
TICK = 1.0  # seconds between two complaints

Write = Callable[[list[bytes]], bool]  # may block; False: nobody reads any more
Report = Callable[[ExceptionGroup[Exception]], None]


class Console:
    """An `Observer` that writes with `write`, in a thread."""

    def __init__(
        self,
        write: Write,
        report: Report,
        *,
        colour: bool,
        columns: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`columns`: how wide the window is by now, None if there is none."""
        self._write = write
        self._report = report
        self._colour = colour
        self._columns = columns

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,  # noqa: ARG002 - an observer gets it
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        backlog = Backlog()
        with registry.lines.feed(backlog):
            task_status.started()
            labels = [(row.name, row.label) for row in registry.snapshot()]
            printer = Printer(backlog, Layout(labels, colour=self._colour), self._columns)
            await contain_errors(self._report, drain, backlog, printer.batch, self._write)


class Printer:
    """Takes from a backlog what is next to be shown."""

    def __init__(self, backlog: Backlog, layout: Layout, columns: Callable[[], int | None]) -> None:
        self._backlog = backlog
        self._layout = layout
        self._columns = columns
        self._complained = -math.inf  # when it was last said that lines are missing

    def batch(self) -> list[bytes]:
        """The next lines, in the order in which they came; empty if all is said."""
        self._layout.fit(self._columns())
        chunks = self._missing()
        chunks += [self._layout.output(one.label, one.text) for one in self._backlog.take(BATCH)]
        return chunks

    def _missing(self) -> list[bytes]:
        """How many lines were left out, once a second."""
        now = trio.current_time()
        if now - self._complained < TICK:
            return []
        missed = self._backlog.take_missed()
        if missed:
            self._complained = now
        return [
            self._layout.own(f"{count} lines of {who} came too fast to show")
            for who, count in missed
        ]
