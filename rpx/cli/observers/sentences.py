"""What `rpx up` says about what happens: events in, sentences out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import assert_never

from rpx.errors import RpxError, brief
from rpx.folders import here
from rpx.hub.backend import Backend
from rpx.hub.endpoint import Pool
from rpx.hub.process import shown_command
from rpx.hub.registry import Registry
from rpx.model.address import Location, SocketFile
from rpx.model.escapes import on_a_terminal
from rpx.model.status import HAS_PROCESS, Event, Note, RotationChanged, Routed, State, StateChanged
from rpx.orders.waits import being_ended, requests_at, running
from rpx.orders.waits import stopping as stopped_in

LAST_WORDS = 5  # lines of output that an error shows


class Teller:
    """Remembers just enough to say how long things took and which URLs are up."""

    def __init__(self, registry: Registry, rpx: str | None = "rpx") -> None:
        """`rpx` begins the commands for this project; None: it has no file for `rpx run`."""
        self._registry = registry
        self._rpx = rpx
        # As told so far: the registry is ahead of what is still to be told.
        self._known: set[str] = set()  # labels of whom there has been a word
        self._started: dict[str, float] = {}
        self._ready: set[str] = set()
        self._up: set[str] = set()

    def overview(self) -> list[str]:
        """Services, their URLs and backends, before any of them has started."""
        alone = [site.rest for site in self._registry.sites.values() if site.rest.pool is None]
        names = {b.name for b in self._registry.backends.values()} | {way.name for way in alone}
        width = max(map(len, names), default=0)
        lines = [
            f"{_name(pool):<{width}}  {_route(self._registry, pool)}" for pool in self._pools()
        ]
        lines += [
            f"{way.name:<{width}}  {self._registry.url(way.place)} → {way.does}" for way in alone
        ]
        return lines + [
            f"{backend.name:<{width}}  {_command(backend)}"
            for backend in self._registry.backends.values()
            if backend.endpoint is None
        ]

    def tell(self, event: Event) -> list[str]:
        """The sentences for one event; none if it is not worth one."""
        match event:
            case Note():
                return [f"{event.label} {event.text}" if event.label else event.text]
            case RotationChanged():
                return []  # the change of state that goes with it says more
            case Routed():
                return [str(event)]
            case StateChanged():
                return list(self._changed(event))
            case _:
                assert_never(event)

    def _changed(self, event: StateChanged) -> Iterator[str]:
        took = f" after {event.spent:.1f} s" if event.label in self._known else ""
        self._known.add(event.label)
        backend = self._registry.known(event.label)
        if event.after is State.STARTING:
            self._started[event.label] = event.at
        if event.after is State.FAILED:
            yield from self._failed(event, backend)
        elif text := _sentence(event, took, backend):
            yield f"{event.label} {text}"
        if event.after is not State.READY:
            self._ready.discard(event.label)
        elif backend.endpoint is not None and backend.endpoint.pool is not None:
            self._ready.add(event.label)
            yield from self._url(backend.endpoint.pool)

    def _url(self, pool: Pool) -> Iterator[str]:
        """Once, when the last backend of a pool has become ready."""
        if pool.host not in self._up and all(b.label in self._ready for b in pool.backends):
            self._up.add(pool.host)
            yield f"{_name(pool)} is up at {self._registry.url(pool.host)}"

    def _failed(self, event: StateChanged, backend: Backend) -> Iterator[str]:
        yield f"error: backend `{event.label}` {event.reason}"
        begun = self._started.get(event.label, 0.0)
        last = backend.lines.tail(LAST_WORDS) if backend.lines is not None else []
        lines = [line for line in last if line.at >= begun]
        if lines:
            yield "  last output:"
            texts = (on_a_terminal(line.text, colour=False) for line in lines)
            yield from (f"    {text.decode(errors='replace')}" for text in texts)
        outside = backend.own is not None and backend.own.spec.start.container is None
        run = f"`{self._by_hand(backend)}` shows more; then " if outside else ""
        yield f"hint: {run}`{self._rpx or 'rpx'} start {event.label}`"

    def _by_hand(self, backend: Backend) -> str:
        """The command as one would type it from here, with the environment that it has."""
        if self._rpx is None:
            return _typed(backend)
        spec = backend.spec
        chosen = spec.endpoint is not None and spec.endpoint.port_chosen
        name = f"{spec.name}:{spec.replica}" if chosen else spec.label
        return f"{self._rpx} run {spec.name if spec.replica == 1 else name}"

    def _pools(self) -> list[Pool]:
        return [pool for pool in self._registry.pools.values() if pool.backends]


KEYS = "Ctrl-C"
ORDER = "`rpx down --now`"  # where there are no keys to press: in the background


def stopping(registry: Registry, hurry: str = KEYS) -> str:
    """What there is to be waited for, when the end begins. `hurry`: by what it is brought near."""
    backends = registry.everyone
    requests = sum(b.in_flight for b in backends)
    processes = sum(b.own is not None and b.own.state in HAS_PROCESS for b in backends)
    parts = [_count(requests, "request")] if requests else []
    again = f"{hurry} again" if hurry == KEYS else hurry
    return f"stopping: {', '.join([*parts, _count(processes, 'backend')])} ({again} to hurry)"


def waiting(registry: Registry, now: float, *, hurried: bool, hurry: str = KEYS) -> list[str]:
    """Who is still being waited for, and for how long."""
    lines = []
    for backend in registry.everyone:
        if (process := running(backend)) is None:
            continue
        if hurried:
            lines.append(f"killing {being_ended(process)}")
        elif (down := stopped_in(backend, now)) is not None:
            whom, left = down
            lines.append(f"waiting for {whom}, SIGKILL in {left:.0f}s, {hurry} to kill now")
        elif backend.in_flight:
            lines.append(f"waiting for {requests_at(backend)}, {hurry} to drop them")
    return lines


_SENTENCES = {
    State.STARTING: "starting",
    State.WAITING: "waiting {reason}",
    State.READY: "ready{pid}{took}",
    State.UNHEALTHY: "unhealthy, out of rotation{because}",
    State.PAUSED: "paused{pid}, out of rotation until `rpx resume-backend`",
    State.DRAINING: "out of rotation, to be replaced{because}",
    State.STOPPING: "stopping{pid}",
    State.BACKOFF: "{reason}",
    State.STOPPED: "stopped{because}",
    State.COMPLETED: "completed{because}",
}


# Of a process without an address: it gets no requests in any state.
_UNROUTED = {
    State.UNHEALTHY: "unhealthy{because}",
    State.DRAINING: "to be replaced{because}",
}


def _sentence(event: StateChanged, took: str, backend: Backend) -> str:
    template = _SENTENCES[event.after]
    if backend.endpoint is None:
        template = _UNROUTED.get(event.after, template)
    if event.after is State.READY and event.before is State.PAUSED:
        template = "resumed{pid}, in rotation"
    elif event.after is State.READY and backend.own is None:
        template = "answers, in rotation"
    elif event.after is State.READY and event.before is State.UNHEALTHY:
        template = "healthy again{pid}{took}"
    elif event.after is State.DRAINING and not event.reason:
        return ""  # asked for by somebody who knows; `stopping` follows
    return template.format(
        pid=f" (pid {event.pid})" if event.pid else "",
        took=took,
        reason=event.reason,
        because=f": {event.reason}" if event.reason else "",
    )


def _name(pool: Pool) -> str:
    return pool.backends[0].spec.name


def _route(registry: Registry, pool: Pool) -> str:
    addresses = ", ".join(str(backend.spec.address) for backend in pool.backends)
    return f"{registry.url(pool.host)} → {addresses}"


def _command(backend: Backend) -> str:
    assert backend.own is not None  # noqa: S101 - for the type checker: callers have looked
    return brief(shown_command(backend.own.spec.start))


def _typed(backend: Backend) -> str:
    """For a shell. One of its own gets the variable, or its `$PORT` would be the outer one's."""
    start = backend.own.spec.start if backend.own is not None else None
    folder = _from_here(start.cwd) if start else "."
    there = f"cd {shlex.quote(folder)} && " if folder != "." else ""
    command = _command(backend)
    if start and isinstance(start.command, str):
        command = f"sh -c {shlex.quote(command)}"
    return f"{there}{_listen_there(backend.spec.address)}{command}"


def _listen_there(address: Location | None) -> str:
    if isinstance(address, SocketFile):
        return f"RPX_SOCKET={shlex.quote(address.path)} "
    return f"PORT={address.port} " if address else ""


def _from_here(folder: Path) -> str:
    try:
        return os.path.relpath(folder, here())
    except RpxError:  # the working directory has been deleted
        return str(folder)


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
