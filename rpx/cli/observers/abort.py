"""`--abort-on-exit` and `--exit-code-from`: the end of one service is the end of all."""

from __future__ import annotations

import trio

from rpx.errors import Exit
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import AT_REST, State
from rpx.policy.naming import select


class Abort:
    """An `Observer` that asks for the end when a process has ended by itself.

    Its restart policy doesn't matter then. A oneshot that has done well is no reason, unless it was
    the last to end.
    """

    def __init__(self, service: str | None) -> None:
        """`service`: whose exit code is that of all, also if another one was the first to end."""
        self._service = service
        self._source: Process | None = None  # of the exit code
        self._aborted = False

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Raises: UsageError when there is no such service, or several copies of it."""
        if self._service is not None:
            [row] = select(registry.snapshot(), self._service, one=True)
            self._source = registry.backends[row.label].process
        task_status.started()
        while (first := self._first(registry)) is None:
            await registry.changed.wait()
        if not shutdown.asked:
            self._aborted = True
            if self._service is None:
                self._source = first
            how = first.ended.what if first.ended and first.ended.code else "completed"
            registry.say(f"{how}: stopping all", first)
            shutdown.request()

    def exit_code(self, otherwise: int) -> int:
        """That of the service, once all have stopped; `otherwise` if nobody has ended by itself."""
        if not self._aborted:
            return otherwise
        ended = self._source.ended if self._source is not None else None
        if ended is None:
            return Exit.FAILED  # it has not even begun, or somebody else runs it
        return 128 - ended.code if ended.code < 0 else ended.code

    def _first(self, registry: Registry) -> Process | None:
        ours = registry.processes
        over = all(process.state in AT_REST for process in ours)
        return next(
            (each for each in ours if each.ended_unasked and (over or self._counts(each))), None
        )

    def _counts(self, process: Process) -> bool:
        done = process.spec.start.oneshot and process.state is State.COMPLETED
        return process is self._source or not done
