"""All lives of a project: begun together, ended together."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

import trio

from rpx.backend.aside import Aside
from rpx.backend.child import Ask, Child, open_child
from rpx.backend.life import Life, live
from rpx.backend.order import dependants_gone
from rpx.backend.probe import http_check, prepare, tcp_check
from rpx.backend.ready import Sign
from rpx.backend.socket_file import clear
from rpx.backend.watch import watch
from rpx.hub.orders import Order, OrderKind
from rpx.hub.patience import Patience
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.hub.walls import walled
from rpx.model.address import SocketFile
from rpx.model.config import Start
from rpx.model.status import AT_REST, BackendSpec, State

CONNECT_TIMEOUT = 1.0  # of a check that only connects, in seconds
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
        wanted: Collection[str],
    ) -> None:
        """`run_id` marks every process of this run; `colour`: they may print in colours.

        `report` gets what ended a life by a bug of ours; the others go on. Those whose label isn't
        `wanted` stay down until somebody starts them.
        """
        self._registry = registry
        self._patience = patience
        self._report = report
        self._run_id = run_id
        self._colour = colour
        self._wanted = wanted

    async def run(self) -> None:
        """Begin every life. Returns only when cancelled, which ends the processes as well."""
        async with trio.open_nursery() as lives:
            for backend in self._registry.backends.values():
                if backend.spec.health_check and backend.spec.address:
                    lives.start_soon(prepare, backend.spec.address)
                    break
            for number, backend in enumerate(self._registry.backends.values(), 1):
                start = backend.spec.start
                if start is None:
                    work = partial(self._follow, backend)
                else:
                    work = partial(live, self._life(backend, start, number))
                lives.start_soon(walled, partial(self._lost, backend), work)

    async def shut_down(self) -> None:
        """Stop every process of ours, each once those that depend on it have gone, and return
        when the last one has.
        """
        async with trio.open_nursery() as stops:
            for backend in self._registry.backends.values():
                if backend.spec.start is not None:
                    stops.start_soon(self._stop, backend)

    async def _stop(self, backend: Backend) -> None:
        with self._patience.within():
            await dependants_gone(self._registry, backend)
        # An order given before ours may be in the box, and start it again: ask until it rests.
        while backend.state not in AT_REST:
            changed = backend.changed
            if backend.state is not State.STOPPING:
                try:
                    backend.mailbox.give.send_nowait(Order(OrderKind.STOP))
                except trio.WouldBlock:
                    pass  # the box is full: its life is about to look into it
            await changed.wait()

    def _lost(self, backend: Backend, group: ExceptionGroup[Exception]) -> None:
        self._registry.lost(backend, "rpx lost track of it by a bug of its own")
        self._report(group)

    def _life(self, backend: Backend, start: Start, number: int) -> Life:
        environment = child_environment(backend.spec, start, colour=self._colour)
        instance = f"{self._run_id}.{number}"
        aside = Aside(start, environment, f"{instance}.aside")
        ask = partial(self._ask, backend, aside, start.stop_command) if start.stop_command else None
        return Life(
            registry=self._registry,
            backend=backend,
            open=partial(self._open, backend, start, environment, instance, ask),
            sign=partial(Sign, backend, aside),
            check=partial(check, backend),
            patience=self._patience,
            chance=random.random,
            start=start,
            wanted=backend.spec.label in self._wanted,
        )

    def _open(
        self,
        backend: Backend,
        start: Start,
        environment: dict[str, str],
        instance: str,
        ask: Ask | None,
    ) -> AbstractAsyncContextManager[Child]:
        if isinstance(backend.spec.address, SocketFile):
            clear(backend.spec.address)

        def left(pids: Sequence[int]) -> None:
            backend.left = pids

        return open_child(
            start, environment, instance=instance, patience=self._patience, ask=ask, left=left
        )

    async def _ask(
        self, backend: Backend, aside: Aside, command: str | tuple[str, ...], pid: int
    ) -> bool:
        """Run `stop_command`. The grace period, which ends it too, is all the time that it has."""
        failure = await aside.run(command, within=math.inf, RPX_PID=str(pid))
        if failure is not None:
            self._registry.say(f"`stop_command` failed ({failure}): signalled instead", backend)
        return failure is None

    async def _follow(self, backend: Backend) -> None:
        """Watch a backend whose process is not its own: somebody else's, or another backend's."""
        await watch(
            self._registry,
            backend,
            partial(check, backend),
            over=lambda: False,
            until_hopeless=False,
        )


def child_environment(spec: BackendSpec, start: Start, *, colour: bool) -> dict[str, str]:
    """Return the whole environment of a service: rpx's own, what rpx adds, the user's on top."""
    environment = dict(os.environ)
    environment["PYTHONUNBUFFERED"] = "1"  # else a crash takes the last lines with it
    if colour and "NO_COLOR" not in environment:
        environment.setdefault("FORCE_COLOR", "1")  # docs/adr/0011: a pipe, and no terminal
        environment.setdefault("CLICOLOR_FORCE", "1")
    environment.update(spec.environment)
    for name, value in start.env.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment


async def check(backend: Backend) -> str | None:
    """Tell why `backend` isn't well, None if it is.

    One with a health check is asked that; one with only a port must take a connection; one with
    neither is well as long as it runs.
    """
    spec = backend.spec
    if spec.address is None:
        await trio.lowlevel.checkpoint()
        return None
    if spec.health_check is None:
        return await tcp_check(spec.address, CONNECT_TIMEOUT)
    if backend.state is State.STARTING:
        # Far cheaper than a request, and most of the time nobody listens yet.
        refused = await tcp_check(spec.address, CONNECT_TIMEOUT)
        if refused is not None:
            return refused
    return await http_check(spec.address, spec.health_check)
