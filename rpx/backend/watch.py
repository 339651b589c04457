"""Ask a backend how it is, and move it in and out of rotation accordingly."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from rpx.backend.probe import NOBODY
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.status import State
from rpx.policy.health import Health, next_check

FIRST_PAUSE: Final = 0.02  # between the first looks at a starting backend, in seconds
GROWTH: Final = 1.3


async def watch(
    registry: Registry,
    backend: Backend,
    check: Callable[[], Awaitable[str | None]],
    *,
    over: Callable[[], bool],
    until_hopeless: Callable[[], bool],
    mercy: float = math.inf,
) -> None:
    """Check at once, then as often as `backend` needs it, until `over()` or it is hopeless.

    A slow check doesn't push the next one back, or a sick backend would be asked less often than
    a well one. `check` returns None when the backend answers, else why it does not. Until `mercy`
    (trio's time) failures of a backend that is still starting don't count. Another `health_check`
    holds at once.
    """
    spec = backend.spec.health_check
    backend.health = health = Health.of(spec, undecided=backend.state is State.STARTING)
    eager = FIRST_PAUSE
    while True:
        began = trio.current_time()
        failure = await check()
        if over():  # the answer may come after the question has lost its meaning
            return
        spared = backend.state is State.STARTING and trio.current_time() < mercy
        _judge(registry, backend, health, failure, spared=spared)
        sick = backend.state is State.UNHEALTHY and health.hopeless
        if sick and until_hopeless() and not backend.paused:  # somebody may be debugging it
            return
        pause = next_check(spec, up=health.up)
        if spared and backend.state is State.STARTING:
            pause = eager = min(eager * GROWTH, pause)
            began = trio.current_time()
        suspected = await _suspected_by(backend, began + pause)
        if backend.spec.health_check != spec:
            spec = backend.spec.health_check
            undecided = backend.state is State.STARTING
            backend.health = health = Health.of(spec, undecided=undecided, up=health.up)
        elif suspected and not over():
            refused = health.refuse()
            if refused is not None:
                registry.move(backend, refused, reason=backend.last_error)


def _judge(
    registry: Registry, backend: Backend, health: Health, failure: str | None, *, spared: bool
) -> None:
    if failure is not None and not (backend.state is State.STARTING and failure in NOBODY):
        backend.last_error = failure  # that it does not listen yet is no error
    if failure is not None and spared:
        health.forgive()
        return
    move = health.observe(passed=failure is None)
    if move is not None:
        registry.move(backend, move, reason=failure or "")


async def _suspected_by(backend: Backend, time: float) -> bool:
    """Sleep, or wake up because a request found nobody at home; tell which."""
    with trio.move_on_at(time):
        await backend.suspected.wait()
    if not backend.suspected.is_set():
        return False
    backend.suspected = trio.Event()
    return True
