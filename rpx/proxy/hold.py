"""When nobody is in rotation: wait for a backend that is coming back, then try what there is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import trio

from rpx.hub.records import Backend, Pool, Tried
from rpx.model.status import State

if TYPE_CHECKING:
    from rpx.proxy.connection import Connection

NOTICE = 0.25  # seconds for the exit of a process to be noticed after it broke a connection


async def another_backend(
    connection: Connection, pool: Pool, bound: Backend | None, tried: Tried
) -> tuple[Backend | None, bool]:
    """Return a backend that is up and not `tried`, waiting for one that is being (re)started.

    At last an unhealthy one that still runs: it may be better than its checks. Each time the one
    that the client is `bound` to comes first. None: there is nobody to ask, or the client has gone.
    Also tell whether the request had to wait.
    """
    client = connection.peer.client
    backend, held = pool.next_untried(client, bound, tried), connection.proxy.limits.held
    waits = backend is None and pool.waiting < held and _worth_waiting(pool, tried) > 0
    if waits:
        pool.waiting += 1
        try:
            async with connection.proxy.reactor.task():
                with trio.move_on_after(pool.hold) as wait, connection.held(wait):
                    backend = await _returned(connection, pool, bound, tried)
        finally:
            pool.waiting -= 1
    if backend is None and not connection.gone:
        backend = pool.next_running(client, bound, tried)
    return backend, waits


async def _returned(
    connection: Connection, pool: Pool, bound: Backend | None, tried: Tried
) -> Backend | None:
    while not connection.proxy.draining:
        backend = pool.next_untried(connection.peer.client, bound, tried)
        longest = _worth_waiting(pool, tried)
        if backend is not None or not longest:
            return backend
        with trio.move_on_after(longest) as wait:
            await pool.changed.wait()
        if wait.cancelled_caught:
            return None
    return None


def _worth_waiting(pool: Pool, tried: Tried) -> float:
    """Return for how many seconds a change may be expected; 0 if nobody is coming back."""
    if any(each.returning and id(each) not in tried for each in pool.active):
        return math.inf
    return NOTICE if any(map(_may_be_dying, pool.active)) else 0.0


def _may_be_dying(backend: Backend) -> bool:
    """It broke a connection (else it were untried), yet its process has not been seen to exit."""
    return not backend.external and backend.shown is State.READY
