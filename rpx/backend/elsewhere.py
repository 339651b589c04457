"""The commonest mistake: a service listens, but not where rpx sends its requests.

Vite, Flask, Django and many others have a port of their own and don't look at PORT. Their process
says it is running, and rpx would wait for ever. So, until a backend is ready, we look where its
processes listen, and say so when that isn't where they were to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import trio

from rpx.backend.claim import Claim
from rpx.backend.listening import Listening, Looks
from rpx.backend.probe import hosts_of
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.address import Address, SocketFile
from rpx.model.status import State

LOOK: Final = 0.4  # seconds between two looks
SURE: Final = 0.8  # seconds: many open a port for their own use just before the one that counts
MOST: Final = 3  # sockets that are named
# Node's inspector, debugpy, delve and the JVM's: they are there before the program begins.
DEBUGGERS: Final = frozenset({*range(9229, 9240), 5678, 2345, 5005})
_AWAITED: Final = frozenset({State.STARTING, State.UNHEALTHY})
_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to


async def look_elsewhere(registry: Registry, backend: Backend, claim: Claim, looks: Looks) -> None:
    """Until `backend` has been seen at its address, say once where else its processes listen.

    A look costs one table, which others may look at with us, and that of the processes only where
    somebody has begun to listen.
    """
    if not claim.places() and not isinstance(backend.spec.address, SocketFile):
        return
    seen: frozenset[int] = frozenset()
    found: list[Listening] = []
    since = trio.current_time()
    while not _is_there(backend):
        await trio.sleep(LOOK)
        rows = await trio.to_thread.run_sync(looks.recent, LOOK / 2)
        now = frozenset(each.inode for each in rows)
        if not now <= seen or any(each.inode not in now for each in found):
            before, found = found, await trio.to_thread.run_sync(claim.sockets)
            if found != before:
                since = trio.current_time()
        seen = now
        if trio.current_time() < since + SURE or backend.state not in _AWAITED:
            continue
        what = misplaced(claim, found)
        if what and what != backend.elsewhere and not _is_there(backend):
            backend.elsewhere = backend.last_error = what
            registry.say(what, backend)


def _is_there(backend: Backend) -> bool:
    if backend.spec.address is None:
        return backend.state is State.READY
    return backend.found_at is not None


def misplaced(claim: Claim, found: Sequence[Listening]) -> str:
    """Say where a service listens that isn't where it was to, and what to do; "" if all is well."""
    found = [each for each in found if each.port not in DEBUGGERS]
    spec = claim.backend.spec
    if not found:
        return ""
    there = "listens on " + " and ".join(map(str, found[:MOST]))
    if isinstance(spec.address, SocketFile):
        return f"{there}, not on {spec.address}: pass it $RPX_SOCKET"
    for place in claim.places():
        if any(_fits(each, place) for each in found):
            continue
        if other := next((each for each in found if each.port == place.port), None):
            return f"listens on {other}, not on {place}: pass --host {place.host}"
        first = next(filter(_is_loopback, found), found[0])
        if place != spec.address:
            return f"{there}, not on {place.port}: write ready: {{tcp: {first.port}}}"
        at = f"localhost:{first.port}" if _is_loopback(first) else str(first)
        way = f", or write from: {at}" if claim.alone else ""
        return f"{there}, not on {place.port}: pass --port $PORT{way}"
    return ""


def _fits(each: Listening, place: Address) -> bool:
    if each.port != place.port:
        return False
    hosts = {host for host, _ in hosts_of(place)}
    literal = all(":" in host or host[-1].isdigit() for host in hosts)
    return each.host in hosts | _ANY or bool(hosts & _ANY) or (not literal and _is_loopback(each))


def _is_loopback(each: Listening) -> bool:
    return each.host in _ANY or each.host == "::1" or each.host.startswith("127.")
