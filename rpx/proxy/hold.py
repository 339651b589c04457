"""When nobody is in rotation: wait for a backend that is coming back, then try what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from rpx.hub.records import Backend, Pool, Tried
from rpx.model.status import State

if TYPE_CHECKING:
    from rpx.proxy.connection import Connection

NOTICE = 0.25  # seconds for the exit of a process to be noticed after it broke a connection


async def another_backend(connection: Connection, pool: Pool, tried: Tried) -> Backend | None:
    """Return a backend that is up and not `tried`, waiting for one that is being (re)started.

    At last an unhealthy one that still runs: it may be better than its checks. None: there is
    nobody to ask, or the client has gone.
    """
    client = connection.peer.client
    backend = pool.next_untried(client, tried)
    if backend is None and pool.waiting < connection.proxy.limits.held:
        pool.waiting += 1
        try:
            with trio.move_on_after(pool.hold) as wait, connection.held(wait):
                backend = await _returned(connection, pool, tried)
        finally:
            pool.waiting -= 1
    if backend is None and not connection.gone:
        backend = pool.next_running(client, tried)
    return backend


async def _returned(connection: Connection, pool: Pool, tried: Tried) -> Backend | None:
    while not connection.proxy.draining:
        backend = pool.next_untried(connection.peer.client, tried)
        if backend is not None:
            return backend
        changed = pool.changed
        if any(each.returning and id(each) not in tried for each in pool.active):
            await changed.wait()
        elif any(_may_be_dying(backend) for backend in pool.active):
            with trio.move_on_after(NOTICE) as notice:
                await changed.wait()
            if notice.cancelled_caught:
                return None
        else:
            return None
    return None


def _may_be_dying(backend: Backend) -> bool:
    """It broke a connection (else it were untried), yet its process has not been seen to exit."""
    return not backend.external and backend.shown is State.READY
