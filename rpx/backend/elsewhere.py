"""The commonest mistake: a service listens, but not where rpx sends its requests.

Vite, Flask, Django and many others have a port of their own and don't look at PORT. Their process
says it is running, and rpx would wait for ever. So, until a backend is ready, we look where its
processes listen, and say so when that isn't where they were to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

import trio

from rpx.backend.claim import Claim, places
from rpx.backend.listening import Listening, Socket
from rpx.backend.looks import Looks
from rpx.backend.probe import hosts_of
from rpx.hub.backend import Backend
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location, SocketFile
from rpx.model.status import State

LOOK: Final = 0.4  # seconds between two looks
SURE: Final = 0.8  # seconds: many open a port for their own use just before the one that counts
MOST: Final = 3  # sockets that are named
_AWAITED: Final = frozenset({State.STARTING, State.UNHEALTHY})
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


async def look_elsewhere(
    registry: Registry, backend: Backend, claim: Callable[[], Claim | None], looks: Looks
) -> None:
    """Whenever `backend` isn't there, say once where else its processes listen.

    That may be because a file was saved, and its tool has started it again with another port.
    `claim` is that of the process that serves it, which may be another one in time.
    """
    while _places(backend):
        changed = backend.changed
        if backend.visible_state not in _AWAITED:
            await changed.wait()
        elif (current := claim()) is not None:
            await _look_while_awaited(registry, backend, current, looks)
        else:
            await trio.sleep(LOOK)


async def _look_while_awaited(
    registry: Registry, backend: Backend, claim: Claim, looks: Looks
) -> None:
    """A look costs one table, and that of the processes only where somebody has begun to listen.
    Others look at both with us.
    """
    seen: frozenset[int] = frozenset()
    found: list[Socket] = []
    since = trio.current_time()
    while backend.visible_state in _AWAITED:
        await trio.sleep(LOOK)
        rows, moment = await trio.to_thread.run_sync(looks.sockets.recent, LOOK / 2)
        now = frozenset(each.inode for each in rows)
        if not now <= seen or any(each.inode not in now for each in found):
            pids = await trio.to_thread.run_sync(looks.tree, claim.process.pid, moment)
            before, found = found, await trio.to_thread.run_sync(claim.sockets, rows, pids)
            if found != before:
                since = trio.current_time()
        seen = now
        if trio.current_time() < since + SURE or backend.visible_state not in _AWAITED:
            continue
        where = misplaced(registry, backend, found)
        if where != backend.standing.elsewhere:
            backend.standing.misplace(where)
            if where:
                registry.say(where, backend)


def misplaced(registry: Registry, backend: Backend, found: Sequence[Socket]) -> str:
    """Say where a service listens that isn't where it was to, and what to do; "" if all is well."""
    specs = registry.specs_of(backend.process) if backend.process is not None else []
    served = [place for spec in specs for place in places(spec)]
    strays = [each for each in found if not any(_fits(each, place) for place in served)]
    for place in _places(backend):
        if not found or any(_fits(each, place) for each in found):
            continue
        other = next((e for e in strays if isinstance(e, Listening) and e.port == place.port), None)
        if other is not None and isinstance(place, Address):
            return f"listens on {other}, not on {place}: pass --host {place.host}"
        there = " and ".join(map(str, (strays or found)[:MOST]))
        missed = str(place) if isinstance(place, SocketFile) else str(place.port)
        if place.as_written is not None:
            missed = f"its PORT, {missed}"  # it is known by another
        remedy = _remedy(backend, place, strays, alone=len(specs) <= 1)
        return f"listens on {there}, not on {missed}: {remedy}"
    return ""


def _places(backend: Backend) -> list[Location]:
    record = backend.own or backend.endpoint
    return places(record.spec) if record is not None else []


def _remedy(backend: Backend, place: Location, strays: Sequence[Socket], *, alone: bool) -> str:
    first = next(filter(_is_loopback, strays), strays[0] if strays else None)
    at = str(first)
    if isinstance(first, Listening) and _is_loopback(first):
        at = f"localhost:{first.port}"
    process = backend.own.spec if backend.own is not None else None
    ready = process.start.ready if process is not None and place != process.address else None
    if ready is not None:
        if ready.http is not None and isinstance(first, Listening):
            return f"write ready: {{http: http://{at}{ready.http.path}}}"
        return f"write ready: {{tcp: {first.port if isinstance(first, Listening) else at}}}"
    if not alone:
        return "its one process is to listen on all of `from`"
    way = f", or write from: {at}" if first is not None and _is_alone(backend) else ""
    return ("pass it $RPX_SOCKET" if isinstance(place, SocketFile) else "pass --port $PORT") + way


def _is_alone(backend: Backend) -> bool:
    """Whether it is the only backend of its pool, whose address one could simply change."""
    pool = backend.endpoint.pool if backend.endpoint is not None else None
    return pool is not None and len(pool.backends) == 1


def _fits(each: Socket, place: Location) -> bool:
    if isinstance(place, SocketFile) or not isinstance(each, Listening):
        return (
            isinstance(place, SocketFile)
            and not isinstance(each, Listening)
            and os.path.realpath(each.path) == os.path.realpath(place.path)
        )
    if each.port not in (place.port, place.written):  # the claim takes either
        return False
    hosts = {host for host, _ in hosts_of(place)}
    literal = all(":" in host or host[-1].isdigit() for host in hosts)
    return each.host in hosts | _ANY or bool(hosts & _ANY) or (not literal and _is_loopback(each))


def _is_loopback(each: Socket) -> bool:
    return isinstance(each, Listening) and (
        each.host in _ANY or each.host == "::1" or each.host.startswith("127.")
    )
