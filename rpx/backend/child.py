"""One operating-system process in its own session, and the promise that it ends.

The rule for signals: a number is signalled only while nobody else can have it. The leader is
reaped *last*, after everything it left behind has gone; until then its zombie keeps the number of
process, group and session from being handed out again. Any other process is signalled as (pid,
start time), see `processes.send`. Once the leader is reaped nothing is signalled any more.
"""

from __future__ import annotations

import math
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import psutil
import trio

from rpx.backend import processes
from rpx.backend.child_output import AFTER_END, Output
from rpx.backend.leader import Leader, spawn
from rpx.backend.processes import MARKER
from rpx.hub.patience import Patience
from rpx.model.address import Location
from rpx.model.config import Start

LAGGING = 0.2  # seconds that helpers of a process may take to end after it
KILL_TAKES = 2.0  # seconds; what has not gone then is stuck in the kernel
Ask = Callable[[int], Awaitable[bool]]  # gets the leader's pid
Left = Callable[[Sequence[int]], None]  # gets the pids of those that the leader has left behind
POLL = 0.01, 0.1  # seconds between looks at those that are going: the first, and the longest


class Child:
    """A running instance: the leader, its group and session, and whoever carries its marker."""

    def __init__(
        self,
        leader: Leader,
        start: Start,
        patience: Patience,
        ask: Ask | None = None,
        left: Left = lambda _pids: None,
    ) -> None:
        self.pid = leader.pid  # of the process, its group and its session alike
        self.created = leader.created
        self.output = Output(leader.output, leader.rest)
        self.remains: tuple[int, ...] = ()  # pids that not even SIGKILL could end
        self._leader = leader
        self._start = start
        self._patience = patience
        self._ask = ask
        self._left = left
        self._asked = False
        self._deadline = math.inf  # of the grace period, once asked to stop
        self._over = False

    async def wait(self) -> int:
        """The leader's exit code, negative for a signal. Others may run on, and hold the pipe."""
        return await self._leader.exited()

    def signal(self, signum: int) -> None:
        """Signal the whole group; does nothing when all is over."""
        if not self._over:
            self._leader.kill_group(signum)

    def kill(self) -> None:
        """SIGKILL the group now. `wait` and `sweep` are what comes next."""
        self._deadline = min(self._deadline, trio.current_time())
        self.signal(signal.SIGKILL)

    async def strike(self, signum: int, at: Location | None) -> int:
        """Signal who of this instance listens there, else the leader; the pid that was hit."""
        listener = None if at is None or self._over else await self._leader.listener(at)
        if listener is not None and processes.send(listener, signum):
            return listener.pid
        if not self._over:
            self._leader.kill(signum)
        return self.pid

    async def stop(self, grace: float | None = None) -> None:
        """Ask everything to go, wait out the grace period, kill what is left.

        Without `grace` it is the configured one. A second call may shorten the wait, never lengthen
        it, and asks nobody twice. If the leader had gone by itself there is no grace.
        """
        seconds = self._start.stop_grace_period if grace is None else grace
        self._deadline = min(self._deadline, trio.current_time() + seconds)
        first = not self._asked and self._leader.exit_code() is None
        if (self._asked or first) and not self._over:
            with self._patience.within(max(self._deadline - trio.current_time(), 0)):
                if first:
                    await self._tell()
                await self._all_gone()
                self._finish(())
        await self.sweep()

    async def see_off(self) -> tuple[str, ...]:
        """Ask those to go that the leader has left behind, and wait for them as in a stop; say who
        they are. `sweep` comes next.
        """
        with trio.move_on_after(LAGGING):
            while living := await self._leader.living():  # a daemon forks twice: anew each time
                await _until_gone(living)
        living = await self._leader.living()
        who = tuple(map(processes.described, living))
        with self._patience.within(self._start.stop_grace_period):
            for process in living:
                self._ask_alone(process)
            await self._all_gone(living)
        return who

    async def _tell(self) -> None:
        """Ask it to go: by its own command, or where there is none or it fails, by the signal."""
        self._asked = True
        if self._ask is not None:
            self.signal(signal.SIGCONT)  # a suspended one would not hear
            try:
                if await self._ask(self.pid):
                    return
            except BaseException:  # cancelled, perhaps out of a nursery
                self._asked = False  # whoever comes after us asks again
                raise
        if self._start.stop_signal_to == "leader":
            self._leader.kill(self._start.stop_signal)
        else:
            self.signal(self._start.stop_signal)
        self.signal(signal.SIGCONT)

    async def sweep(self) -> None:
        """SIGKILL at once whatever is left of the instance."""
        with trio.CancelScope(shield=True):  # bounded by KILL_TAKES
            if not self._over:
                await self._sweep()

    async def _all_gone(self, asked: Iterable[psutil.Process] = ()) -> None:
        """Wait for the leader, then for everyone else; who hasn't been `asked` to go is asked."""
        await self._leader.exited()
        asked = set(asked)
        if self._start.stop_signal_to == "leader" and not asked:  # it may have asked them itself
            with trio.move_on_after((self._deadline - trio.current_time()) / 2):
                while left := await self._leader.living():
                    await _until_gone(left, self._left)
        while left := await self._leader.living():
            for process in set(left) - asked:
                if self._start.stop_signal_to == "leader" or self._is_apart(process):
                    self._ask_alone(process)
            asked.update(left)
            await _until_gone(left, self._left)

    def _is_apart(self, process: psutil.Process) -> bool:
        """Whether it has left the group, and so has not heard what was said to that."""
        try:
            return os.getpgid(process.pid) != self.pid
        except ProcessLookupError:
            return False

    def _ask_alone(self, process: psutil.Process) -> None:
        processes.send(process, self._start.stop_signal)
        processes.send(process, signal.SIGCONT)

    async def _sweep(self) -> None:
        left: list[psutil.Process] = []
        with trio.move_on_after(KILL_TAKES):
            self.signal(signal.SIGKILL)
            while left := await self._leader.living():
                for process in left:
                    processes.send(process, signal.SIGKILL)
                await _until_gone(left)
            await self._leader.exited()
        self._finish(left)

    def _finish(self, left: Iterable[psutil.Process]) -> None:
        if self._over:  # another task was faster
            return
        self._over = True
        self.remains = tuple(process.pid for process in left if processes.is_running(process))
        if self._leader.exit_code() is not None:
            self._leader.reap()
        self.output.end_soon()


async def _until_gone(left: list[psutil.Process], tell: Left = lambda _pids: None) -> None:
    """Watch those that are known to be going: far cheaper than to look at all there are."""
    nap, longest = POLL
    while left := [process for process in left if processes.is_running(process)]:
        tell([process.pid for process in left])
        await trio.sleep(nap)
        nap = min(nap * 1.5, longest)


@asynccontextmanager
async def open_child(
    start: Start,
    env: Mapping[str, str],
    *,
    instance: str,
    patience: Patience,
    ask: Ask | None = None,
    left: Left = lambda _pids: None,
    spawn: Callable[[Start, Mapping[str, str], str], Awaitable[Leader]] = spawn,
    make: Callable[[Leader, Start, Patience, Ask | None, Left], Child] = Child,
) -> AsyncIterator[Child]:
    """Run a command; on leaving, however that happens, everything it started has ended.

    `ask` is how it is asked to stop instead of by a signal; False: that went wrong, signal it.
    `left` is told who is still waited for, once the process itself has gone.
    `make` gives the child of a started process that is more than that.
    `env` is its whole environment, to which the marker `RPX_INSTANCE=<instance>` is added. Reading
    `output` belongs into a nursery *around* this context, shielded: the lines of a stopping child
    are then still read, and the end comes 0.2 s after the child's at the latest.
    """
    leader = await spawn(start, {**env, MARKER: instance}, instance)
    child = make(leader, start, patience, ask, left)
    try:
        yield child
    finally:
        # Bounded by the grace period, which patience may shorten, SIGKILL, and the pipe's deadline.
        with trio.CancelScope(shield=True):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child.output.discard)
                await child.stop()
                nursery.cancel_scope.deadline = trio.current_time() + 2 * AFTER_END
            await child.output.aclose()
