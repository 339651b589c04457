"""All lives of a project: each begins and ends by itself, or with all others."""

from __future__ import annotations

import itertools
import math
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import trio

from rpx.backend.child import Child, open_child
from rpx.backend.claim import Claim
from rpx.backend.container_faults import LATEST, fault
from rpx.backend.containers import Containers, ContainerSign, InContainer
from rpx.backend.elsewhere import look_elsewhere
from rpx.backend.environment import child_environment
from rpx.backend.health_checks import Vigil, watch_endpoint
from rpx.backend.lend import lend
from rpx.backend.life import Life, live
from rpx.backend.looks import Looks
from rpx.backend.probe import REFUSED, prepare
from rpx.backend.ready import Sign
from rpx.backend.sequence import dependants_gone
from rpx.backend.side_command import Aside, SideCommand
from rpx.backend.socket_file import clear
from rpx.backend.wellness import check_endpoint, check_process
from rpx.errors import RpxError
from rpx.folders import why_missing
from rpx.hub.backend import Backend
from rpx.hub.endpoint import Endpoint
from rpx.hub.error_boundary import contain_errors
from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.patience import Patience
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import SocketFile
from rpx.model.status import AT_REST, State

SILENT = 2.0  # seconds that an external backend has until it is said that it doesn't answer
Report = Callable[[ExceptionGroup[Exception]], None]


class Fleet:
    """Runs a life for each backend of the registry."""

    def __init__(
        self,
        registry: Registry,
        patience: Patience,
        report: Report,
        *,
        run_id: str,
        colour: bool,
        containers: Containers | None = None,
        usual: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """`run_id` marks every process of this run; `colour`: they may print in colours.

        `containers` starts those that are such, and `usual` gives the variables of a process that
        starts, where the user has none of that name.
        `report` gets what ended a life by a bug of ours; the others go on.
        """
        self._registry = registry
        self._patience = patience
        self._report = report
        self._run_id = run_id
        self._colour = colour
        self._usual = usual
        self._containers = containers
        self._prepared = False  # to check health
        self._numbers = itertools.count(1)
        self._looks = Looks(self._leaders)
        self._claims: dict[Process, Claim] = {}
        self._scopes: dict[Backend, trio.CancelScope] = {}
        self._lives: trio.Nursery | None = None
        self._last = trio.Event()  # set once the life that was begun last has taken its first step
        self._last.set()

    async def run(
        self,
        wanted: Collection[str],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Begin every life, and be ready for more. Returns only when cancelled, which ends the
        processes as well. Those whose label isn't `wanted` stay down until somebody starts them.
        """
        async with trio.open_nursery() as self._lives:
            for backend in self._registry.backends.values():
                self.begin(backend, wanted=backend.label in wanted)
            task_status.started()
            await trio.sleep_forever()

    def begin(self, backend: Backend, *, wanted: bool = True) -> None:
        """Begin one life, once all others have begun."""
        assert self._lives is not None  # noqa: S101 - `run` has started
        endpoint, scope = backend.endpoint, trio.CancelScope()
        if endpoint is not None and endpoint.spec.health_check and not self._prepared:
            self._prepared = True
            self._lives.start_soon(prepare, endpoint.spec.address)
        if backend.own is not None:
            number = next(self._numbers)
            work = partial(live, self._life(backend, backend.own, number, wanted=wanted))
        else:
            work = partial(self._follow, backend)
        self._scopes[backend] = scope
        before, self._last = self._last, trio.Event()
        self._lives.start_soon(self._within, scope, backend, work, before, self._last)

    async def end(self, backend: Backend) -> None:
        """End the life of one that is leaving: its requests are finished, its process is stopped,
        and it is forgotten.
        """
        if backend.own is not None:
            await self._stop(backend.own)
            self._claims.pop(backend.own, None)
        self._scopes.pop(backend).cancel(reason="it is no part of the project any more")
        self._registry.remove(backend)

    async def _within(
        self,
        scope: trio.CancelScope,
        backend: Backend,
        work: Callable[[], Awaitable[None]],
        before: trio.Event,
        begun: trio.Event,
    ) -> None:
        with scope:
            try:
                await before.wait()  # trio begins tasks in any order; users read that of the file
            finally:
                begun.set()
            await contain_errors(partial(self._lost, backend), work)

    async def shut_down(self) -> None:
        """Stop every process of ours, each once those that depend on it have gone, and return
        when the last one has.
        """
        async with trio.open_nursery() as stops:
            for backend in self._registry.everyone:
                if backend.own is not None:
                    stops.start_soon(self._stop_in_turn, backend.own)

    async def _stop_in_turn(self, process: Process) -> None:
        with self._patience.within():
            await dependants_gone(self._registry, process)
        await self._stop(process)

    async def _stop(self, process: Process) -> None:
        # An order given before ours may be in the box, and start it again: ask until it rests.
        while process.state not in AT_REST:
            changed = process.changed
            if process.state is not State.STOPPING:
                try:
                    process.mailbox.give.send_nowait(Order(OrderKind.STOP))
                except trio.WouldBlock:
                    pass  # the box is full: its life is about to look into it
            await changed.wait()

    def _lost(self, backend: Backend, group: ExceptionGroup[Exception]) -> None:
        why = "rpx lost track of it by a bug of its own"
        if backend.own is not None:
            self._registry.lost(backend.own, why)
        elif backend.endpoint is not None:
            self._registry.unchecked(backend.endpoint, why)
        self._report(group)

    def _life(self, backend: Backend, process: Process, number: int, *, wanted: bool) -> Life:
        instance = f"{self._run_id}.{number}"
        claim = self._claims[process] = Claim(self._registry, process, instance)
        endpoint = backend.endpoint
        return Life(
            registry=self._registry,
            process=process,
            look=partial(self._look, process),
            open=lambda: self._open(process, instance, claim),
            sign=lambda: self._sign(process, instance, claim),
            check=partial(self._check, endpoint or process, claim),
            patience=self._patience,
            chance=random.random,
            wanted=wanted,
            held=partial(claim.is_held, by_anybody=True),
            lend=trio.lowlevel.checkpoint
            if endpoint is None
            else partial(lend, self._registry, endpoint),
            look_around=partial(self._look_around, backend),
            hindrance=partial(self._hindrance, process, claim),
        )

    async def _hindrance(self, process: Process, claim: Claim, code: int) -> str:
        container = process.spec.start.container
        if container is None:
            return await claim.hindrance()
        return fault(process.lines.tail(LATEST), code, container)

    def _leaders(self) -> frozenset[int]:
        return frozenset(each.pid for each in list(self._claims) if each.pid is not None)

    async def _look_around(self, backend: Backend) -> None:
        await look_elsewhere(
            self._registry, backend, lambda: self._claim_of(backend.process), self._looks
        )

    def _claim_of(self, process: Process | None) -> Claim | None:
        return self._claims.get(process) if process is not None else None

    def _look(self, process: Process) -> None:
        """Read what is read at each start, and see that there is a folder to start in."""
        start = process.spec.start
        if start.env_later is not None:
            start = start.model_copy(update={"env": dict(start.env_later())})
            self._registry.restart_by(process, start)
        if not os.path.isdir(start.cwd):
            fault = why_missing(start.cwd) or "is no folder"
            raise RpxError(f"its working directory {fault}: {start.cwd}")

    @asynccontextmanager
    async def _open(self, process: Process, instance: str, claim: Claim) -> AsyncIterator[Child]:
        """Open a process as its spec says by now; it will be stopped as that says."""
        if isinstance(process.spec.address, SocketFile):
            clear(process.spec.address)
        await claim.begin()
        start, ask = process.spec.start, None
        if start.stop_command:
            aside = self._beside(process, f"{instance}.stop")
            ask = partial(self._ask, process, aside, start.stop_command)

        if start.container is not None and self._containers is not None:
            async with self._containers.open(process, instance, self._patience, ask) as child:
                yield child
            return

        def left(pids: Sequence[int]) -> None:
            self._registry.left(process, pids)

        async with open_child(
            start,
            self._environment(process),
            instance=instance,
            patience=self._patience,
            ask=ask,
            left=left,
        ) as child:
            yield child

    def _sign(self, process: Process, instance: str, claim: Claim) -> Sign:
        beside = self._beside(process, f"{instance}.ready")
        if process.spec.start.container is not None and self._containers is not None:
            return ContainerSign(process, beside, claim, self._containers)
        return Sign(process, beside, claim)

    def _environment(self, process: Process) -> dict[str, str]:
        return child_environment(process.spec, colour=self._colour, usual=self._usual())

    def _beside(self, process: Process, instance: str) -> Aside:
        """Return what runs commands where `process` is, as its spec says by now: its signs, its
        checks, its stop. `instance` marks them; no two may have it at the same time.
        """
        start = process.spec.start
        if start.container is not None and self._containers is not None:
            return InContainer(self._containers, process, instance)
        return SideCommand(start, self._environment(process), instance)

    async def _check(self, asked: Endpoint | Process, claim: Claim | None) -> str | None:
        """Look whether it is well, in the way that it says by now."""
        process = asked if isinstance(asked, Process) else asked.process
        beside = None
        if process is not None and claim is not None:
            beside = partial(self._beside, process, f"{claim.instance}.health.{asked.label}")
        if isinstance(asked, Process):
            return await check_process(asked, claim, beside)
        return await check_endpoint(asked, claim, beside)

    async def _ask(
        self, process: Process, aside: Aside, command: str | tuple[str, ...], pid: int
    ) -> bool:
        """Run `stop_command`. The grace period, which ends it too, is all the time that it has."""
        failure = await aside.run(command, within=math.inf, RPX_PID=str(pid))
        if failure is not None:
            self._registry.say(f"`stop_command` failed ({failure}): signalled instead", process)
        return failure is None

    async def _follow(self, backend: Backend) -> None:
        """Watch an address whose process has another label, or is somebody else's."""
        endpoint = backend.endpoint
        assert endpoint is not None  # noqa: S101 - it has a process of its own, or an address

        async def look() -> str | None:
            return await self._check(endpoint, self._claim_of(endpoint.process))

        async with trio.open_nursery() as nursery:
            if endpoint.external:
                nursery.start_soon(self._say_if_silent, endpoint)
            else:
                nursery.start_soon(self._look_around, backend)
            await watch_endpoint(self._registry, endpoint, Vigil(look))

    async def _say_if_silent(self, endpoint: Endpoint) -> None:
        """Nobody is told of its start: one that isn't there may have been forgotten."""
        await trio.sleep(SILENT)
        if endpoint.state is State.UNHEALTHY:
            why = endpoint.last_error or REFUSED
            self._registry.say(
                f"does not answer ({why}): rpx does not start it; it gets requests as soon as it"
                " answers",
                endpoint,
            )
