"""Where coroutines wait for each other, whoever carries them: the reactor, or a trio task."""

from __future__ import annotations

from collections import deque

from trio.lowlevel import Abort, RaiseCancelT, Task, current_task, reschedule, wait_task_rescheduled

from rpx.proxy.coroutines import Coro, yield_trap
from rpx.proxy.reactor import Reactor


class Gate:
    """Who waits here goes on in the order of having come.

    `coming`: coroutines that have been let on, and that the reactor is still to resume.
    """

    __slots__ = ("_reactor", "_waiting", "coming")

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._waiting: deque[Coro | Task] = deque()
        self.coming = 0

    async def wait(self) -> None:
        """Wait until somebody calls one of the others. (Never without a reason, but look again.)"""
        if self._reactor.resuming:
            self._waiting.append(self._reactor.current)
            await yield_trap(None)
            self.coming -= 1
            return
        task = current_task()
        self._waiting.append(task)

        def abort(_: RaiseCancelT) -> Abort:
            self._waiting.remove(task)
            return Abort.SUCCEEDED

        await wait_task_rescheduled(abort)

    def let_on(self) -> None:
        """Let all of them on."""
        while self._waiting:
            self.let_one_on()

    def let_one_on(self) -> None:
        """Let the one on that has waited longest, if there is one."""
        if self._waiting:
            first = self._waiting.popleft()
            if isinstance(first, Task):
                reschedule(first)
            else:
                self.coming += 1
                self._reactor.resume_soon(first)
