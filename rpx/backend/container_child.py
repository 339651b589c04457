"""A container as a child: its client is the process that is waited for, its engine the one to ask.

What runs in it are no children of ours. With docker they are the daemon's; podman's monitor leaves
the tree, and ends the way it likes to if nobody kills it. So who is asked to go, and who removes
what is left, is the engine, and only where that fails the processes that can be seen.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import psutil
import trio

from rpx.backend.child import KILL_TAKES, Ask, Child, Left
from rpx.backend.leader import Leader
from rpx.backend.processes import open_pidfd
from rpx.engine.engine_client import Engine, EngineSaid
from rpx.engine.engine_lines import kill_words
from rpx.engine.leftovers import remove
from rpx.hub.patience import Patience
from rpx.model.address import Location
from rpx.model.config import Start

LOOKS: Final = 0.03, 1.3, 0.5  # seconds before the first look for it again, times each, at most
ABOUT: Final = (  # what is asked of one that has been started
    "{{.State.Running}} {{.State.Pid}}"
    "{{range .Mounts}} {{if .Name}}{{.Name}}{{end}}:{{.Destination}}{{end}}"
)
MONITOR_LAGS: Final = 2.0  # seconds that a client may take to end after the monitor
ANONYMOUS: Final = 64  # hexadecimal digits of the name of a volume that nobody has named


@dataclass(slots=True)
class ContainerRun:
    """One container from before its start to its end. `pid` is its first process, `monitor` that
    of podman which stands over it, if they can be seen from here; `lost` are the places in it whose
    data go with it.
    """

    engine: Engine
    name: str
    cid_file: str
    pid: int | None = None
    monitor: int | None = None
    lost: tuple[str, ...] = ()
    begun: trio.Event = field(default_factory=trio.Event)

    @property
    def made(self) -> bool:
        """The engine has made it; it may be about to be started, or have ended."""
        return os.path.exists(self.cid_file)

    async def ask(self, *words: str) -> EngineSaid:
        """Ask its engine."""
        return await trio.to_thread.run_sync(
            partial(self.engine.ask, *words), abandon_on_cancel=True
        )

    async def watch(self) -> None:
        """Return once it runs; never, if it does not come to that."""
        pause, growth, longest = LOOKS
        while not (self.made and await self._runs()):
            await trio.sleep(pause)
            pause = min(pause * growth, longest)
        self.begun.set()

    async def _runs(self) -> bool:
        monitor = "{{.State.ConmonPid}}" if self.engine.name == "podman" else "0"
        said = await self.ask("container", "inspect", "--format", f"{ABOUT} {monitor}", self.name)
        running, _, rest = said.out.strip().partition(" ")
        if not said.well or running != "true":
            return False
        pid, *mounts, monitor = rest.split()
        cid = self._cid()
        self.pid = int(pid) if is_of_container(pid, cid) else None
        self.monitor = int(monitor) if is_monitor_of(monitor, cid) else None
        named = (mount.partition(":") for mount in mounts)
        self.lost = tuple(place for name, _, place in named if len(name) == ANONYMOUS)
        return True

    def _cid(self) -> str:
        try:
            with open(self.cid_file, encoding="ascii") as file:
                return file.read().strip()
        except OSError:
            return ""

    def end(self) -> None:
        """Kill its first process, and with it all others, if it is there although it is removed."""
        if self.pid is not None and is_of_container(str(self.pid), self._cid()):
            with suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)

    async def remove(self) -> str:
        """Remove it, whatever it does: "", or why that did not work."""
        said = await trio.to_thread.run_sync(
            remove, self.engine, (self.name,), abandon_on_cancel=True
        )
        return "" if said.well else said.complaint


async def has_ended(pid: int | None) -> bool:
    """Return True once a process that is no child of ours has ended; False if nobody can see it."""
    try:
        pidfd = open_pidfd(pid) if pid is not None else None
    except ProcessLookupError:
        return True
    if pidfd is None:
        return False
    try:
        await trio.lowlevel.wait_readable(pidfd)
    finally:
        os.close(pidfd)
    return True


def is_of_container(pid: str, cid: str) -> bool:
    """Whether a process of this machine belongs to a container. An engine in a virtual machine
    tells numbers that are others' here.
    """
    return _has(f"/proc/{pid}/cgroup", cid)


def is_monitor_of(pid: str, cid: str) -> bool:
    """Whether a process of this machine stands over a container."""
    return _has(f"/proc/{pid}/cmdline", cid)


def _has(path: str, cid: str) -> bool:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return bool(cid) and cid in file.read()
    except OSError:
        return False


class ContainerChild(Child):
    """A running container."""

    def __init__(  # noqa: PLR0917 - the last five are those of every child
        self,
        run: ContainerRun,
        say: Callable[[str], None],
        begun: Callable[[], None],
        gone: Callable[[], None],
        leader: Leader,
        start: Start,
        patience: Patience,
        ask: Ask | None = None,
        left: Left = lambda _pids: None,
    ) -> None:
        """`say` is told what went wrong with it; `begun` is called when it runs, `gone` when its
        first process has ended, which its client learns later. The rest is as of any child.
        """
        super().__init__(leader, start, patience, ask, left)
        self._run = run
        self._say = say
        self._begun = begun
        self._gone = gone
        self._removed = False

    async def wait(self) -> int:
        """Its exit code, as its client ends with it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch)
            code = await self._leader.exited()
            nursery.cancel_scope.cancel(reason="its client has ended")
        return code

    async def _watch(self) -> None:
        await self._run.watch()
        self._begun()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._hear_of_its_end)
            nursery.start_soon(self._end_with_its_monitor)

    async def _hear_of_its_end(self) -> None:
        """Who holds its port takes calls for some time yet, which nobody will answer."""
        if await has_ended(self._run.pid):
            self._gone()

    async def _end_with_its_monitor(self) -> None:
        if not await has_ended(self._run.monitor):
            return
        await trio.sleep(MONITOR_LAGS)
        # What it says is lost from now on, and its client would wait for ever.
        self._say(f"its monitor, pid {self._run.monitor}, has died")
        self.kill()

    async def strike(self, signum: int, _at: Location | None) -> int:
        """Signal its first process; the pid that was hit, or that of its client."""
        run = self._run
        if run.made:
            # Its client may end before this command does: that it was hit is to be known all the
            # same. `ask` is bounded.
            with trio.CancelScope(shield=True):
                struck = await run.ask(*kill_words(run.name, signum))
            if struck.well:
                if signum == signal.SIGKILL and self._run.pid is None:
                    self._gone()
                return run.pid or self.pid
        return await super().strike(signum, None)

    async def see_off(self) -> tuple[str, ...]:
        """Whom its first process leaves behind the engine has ended."""
        await self._remove()
        return ()

    async def _all_gone(self, _asked: Iterable[psutil.Process] = ()) -> None:
        await self._leader.exited()
        await self._remove()

    async def _sweep(self) -> None:
        await self._remove()
        if self._removed:
            self.signal(signal.SIGKILL)
            with trio.move_on_after(KILL_TAKES):
                await self._leader.exited()
            self._finish(())
        else:  # nobody is left to ask: what of it can be seen has our mark
            await super()._sweep()

    async def _remove(self) -> None:
        if self._removed:
            return
        if self._leader.exit_code() is None and self._run.made:
            # Podman removes one that is just being stopped and leaves its processes alive.
            await self._run.ask(*kill_words(self._run.name, signal.SIGKILL))
        if failure := await self._run.remove():
            self._say(f"{self._run.engine.name} could not remove {self._run.name}: {failure}")
        else:
            self._removed = True
            self._run.end()
