"""The observer that keeps all output in files. It holds up nobody: see hub.drain."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import trio

from rpx.hub.backlog import Backlog
from rpx.hub.drain import drain
from rpx.hub.error_boundary import contain_errors
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.journal.files import RUN, Files
from rpx.journal.form import written
from rpx.model.status import Printed

LIMIT = 8 << 20  # bytes of each speaker that a slow disk may be behind
BATCH = 1 << 20  # bytes
NAP = 0.05  # seconds between two batches: at most twenty writes a second for each service
Report = Callable[[ExceptionGroup[Exception]], None]


class Journal:
    """An `Observer`. A disk that takes nothing is said once, and the project goes on."""

    def __init__(self, files: Files, name: str, config: Path, report: Report) -> None:
        """`name` and `config` are the project's, for whoever looks into the folder."""
        self._files = files
        self._name = name
        self._config = config
        self._report = report
        self._begun = False
        self._failing: set[str] = set()  # services whose last lines could not be written
        self._lost = 0  # lines, since it has failed

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,  # noqa: ARG002 - an observer gets it
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        backlog = Backlog(LIMIT)
        now = time.time()

        def batch() -> list[Printed]:
            gap = b"rpx: %d lines are missing, the disk was slow\n"
            missed = [Printed(who, time.time(), gap % n) for who, n in backlog.take_missed()]
            return missed + backlog.take(BATCH)

        def write(chunks: list[Printed]) -> bool:
            self._write(registry, chunks, now)
            return True

        with registry.lines.feed(backlog):
            task_status.started()
            await contain_errors(self._report, drain, backlog, batch, write, NAP)

    def _write(self, registry: Registry, chunks: Sequence[Printed], now: float) -> None:
        by_service: dict[str, list[bytes]] = defaultdict(list)
        for printed in chunks:
            if printed.passing:  # it comes again as a whole
                continue
            by_service[printed.label.partition(":")[0]].append(written(printed))
        before = bool(self._failing)
        wrong = self._begin(now)
        for service, lines in by_service.items():
            try:
                self._files.append(service, lines)
                self._failing.discard(service)
            except OSError as error:
                wrong = error
                self._failing.add(service)
                self._lost += sum(chunk.count(b"\n") for chunk in lines)
        if wrong is not None and not before:
            why = wrong.strerror or str(wrong)
            _say(registry, f"can't keep logs in {self._files.folder}: {why}; the project goes on")
        elif before and not self._failing:
            missing = "1 line is" if self._lost == 1 else f"{self._lost} lines are"
            _say(registry, f"logs are kept again; {missing} not in them")
            self._lost = 0

    def _begin(self, now: float) -> OSError | None:
        if not self._begun:
            try:
                self._files.begin(self._name, self._config, now)
                self._begun = True
                self._failing.discard(RUN)
            except OSError as error:
                self._failing.add(RUN)
                return error
        return None


def _say(registry: Registry, text: str) -> None:
    """From the writing thread; if the run is over nobody wants to know."""
    try:
        trio.from_thread.run_sync(registry.say, text)
    except (trio.RunFinishedError, trio.Cancelled):
        pass
