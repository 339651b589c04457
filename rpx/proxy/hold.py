"""When nobody is in rotation: wait for a backend that is coming back, then try what there is."""

from __future__ import annotations

import math
from time import perf_counter
from typing import Final

import trio

from rpx.hub.endpoint import Endpoint, Pool, Tried
from rpx.hub.request_ring import Holding
from rpx.model.status import State
from rpx.policy.depend import sentence
from rpx.proxy.client import Client

NOTICE = 0.25  # seconds for the exit of a process to be noticed after it broke a connection


async def another_backend(
    client: Client,
    pool: Pool,
    address: bytes,
    preferred: Endpoint | None,
    tried: Tried,
    *,
    until: float,
) -> tuple[Endpoint | None, float]:
    """Return a backend that is up and not `tried`, waiting for one that is being (re)started.

    At last one that still runs: it may be better than its checks. A lone one is not waited for when
    they fail, since nobody else could take its turns. Each time the one that the client's cookie
    names, `preferred`, comes first. `address`: the client's. None: there is nobody to ask, or it
    has gone. `until` is when the request will have waited long enough, 0 as long as it has not
    waited; it is returned, too.
    """
    held = client.shared.settings.limits.held
    backend = pool.next_untried(address, preferred, tried)
    if backend is None and len(pool.active) == 1 and pool.active[0].spec.health_check:
        backend = pool.next_running(address, preferred, tried)
    returned, began, stood = True, 0.0, _NOBODY
    while backend is None and returned and pool.waiting < held and _worth_waiting(pool, tried):
        returned, until = False, until or trio.current_time() + pool.spec.hold
        if not began:
            began, stood = perf_counter(), tuple(map(_standing, pool.active))
        pool.waiting += 1
        try:
            async with client.shared.reactor.task():
                with trio.move_on_at(until) as wait, client.held(wait):
                    returned = await _returned(client, pool, tried)
        finally:
            pool.waiting -= 1
        # Chosen here and not in there: the backend may leave before the reactor has us back.
        backend = pool.next_untried(address, preferred, tried)
    if began:
        client.record.rarely().holds += (Holding(perf_counter() - began, stood),)
    if backend is None and not client.gone:
        backend = pool.next_running(address, preferred, tried)
    return backend, until


def _standing(backend: Endpoint) -> tuple[str, str, str]:
    """How a backend is that is not up: label, state, why."""
    why = sentence(backend.obstacles) if backend.obstacles else backend.last_error
    return backend.label, backend.visible_state.value, why


_NOBODY: Final[tuple[tuple[str, str, str], ...]] = ()


async def _returned(client: Client, pool: Pool, tried: Tried) -> bool:
    """Wait until somebody is up; False: nobody is to be expected any more."""
    while not client.shared.draining:
        if pool.has_untried(tried):
            return True
        longest = _worth_waiting(pool, tried)
        if not longest:
            return False
        with trio.move_on_after(longest) as wait:
            await pool.changed.wait()
        if wait.cancelled_caught:
            return False
    return False


def _worth_waiting(pool: Pool, tried: Tried) -> float:
    """Return for how many seconds a change may be expected; 0 if nobody is coming back."""
    if any(each.returning and id(each) not in tried for each in pool.active):
        return math.inf
    return NOTICE if any(map(_may_be_dying, pool.active)) else 0.0


def _may_be_dying(backend: Endpoint) -> bool:
    """Whether the process of `backend` may exit soon: it has broken a connection, and is up still.

    (It has been tried, or nobody would wait for it; and what was tried and is up broke off.)
    """
    return not backend.external and backend.visible_state is State.READY
