"""Ask a backend how it is, and move it in and out of rotation accordingly."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from rpx.backend.probe import HELD, NOBODY, is_silence
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.config import HealthCheck
from rpx.model.status import State
from rpx.policy.health import Health, next_check, next_knock

FIRST_PAUSE: Final = 0.02  # between the first looks at who is starting and answers badly, in s
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
    a well one. `check` returns None when the backend answers, else why it does not. While nobody
    listens there, knocks between the checks notice at once who does: they decide nothing else.
    Until `mercy` (trio's time) failures of a backend that is still starting don't count. Another
    `health_check` holds at once.
    """
    rhythm = Rhythm(backend.spec.health_check)
    backend.health = health = Health.of(rhythm.check, undecided=backend.state is State.STARTING)
    while True:
        began = trio.current_time()
        with backend.seats.visit():  # no connection of ours may be in its way
            failure = await check()
            busy = is_silence(failure) and backend.seats.crowded_since(began)
        if over():  # the answer may come after the question has lost its meaning
            return
        spared = backend.state is State.STARTING and trio.current_time() < mercy
        if rhythm.counts(failure, began) and not busy:  # it answers others, one after the other
            _judge(registry, backend, health, failure, spared=spared)
        sick = backend.state is State.UNHEALTHY and health.hopeless
        if sick and until_hopeless() and not backend.paused:  # somebody may be debugging it
            return
        eager = spared and backend.state is State.STARTING
        suspected = await _suspected_by(backend, rhythm.next(began, up=health.up, eager=eager))
        if backend.spec.health_check != rhythm.check:
            rhythm = Rhythm(backend.spec.health_check)
            undecided = backend.state is State.STARTING
            backend.health = health = Health.of(rhythm.check, undecided=undecided, up=health.up)
        elif suspected and not over():
            rhythm = Rhythm(rhythm.check)
            refused = health.refuse()
            if refused is not None:
                registry.move(backend, refused, reason=backend.last_error)


@dataclass(slots=True)
class Absence:
    """For how long nobody has listened, and how often that was seen in a row."""

    knocks: int = 0
    since: float = 0.0  # trio's time

    def note(self, failure: str | None, now: float) -> None:
        """Take down how a look went that began now."""
        if failure not in NOBODY:
            self.knocks = 0
            return
        if not self.knocks:
            self.since = now
        self.knocks += 1

    def pause(self, check: HealthCheck | None, now: float) -> float:
        """Seconds until the next knock."""
        return next_knock(check, self.knocks, now - self.since)


@dataclass(slots=True)
class Rhythm:
    """When to look again, and whether a look was a check or a mere knock between two of them."""

    check: HealthCheck | None
    _due: float = -math.inf  # the next check, in trio's time
    _eager: float = FIRST_PAUSE
    _absence: Absence = field(default_factory=Absence)

    def counts(self, failure: str | None, began: float) -> bool:
        """Take down how a look went; tell whether it says something about health."""
        self._absence.note(failure, began)
        return failure not in NOBODY or began >= self._due

    def next(self, began: float, *, up: bool, eager: bool) -> float:
        """When to look again after a look that `began` then. `eager`: who starts may fail."""
        now = trio.current_time()
        if began >= self._due or not self._absence.knocks:
            self._due = began + next_check(self.check, up=up)
        if up:
            return self._due
        if self._absence.knocks:
            return min(self._due, now + self._absence.pause(self.check, now))
        if eager:
            self._eager = min(self._eager * GROWTH, next_check(self.check, up=False))
            return now + self._eager
        return self._due


def _judge(
    registry: Registry, backend: Backend, health: Health, failure: str | None, *, spared: bool
) -> None:
    if failure == HELD:
        if backend.last_error != HELD:
            backend.last_error = HELD
            registry.say(f"{HELD}: checks without an answer don't count", backend)
        return
    unborn = backend.state is State.STARTING and failure in NOBODY and not backend.elsewhere
    if failure is not None and not unborn:
        backend.last_error = told(backend, failure)  # that it does not listen yet is no error
    if failure is not None and spared:
        health.forgive()
        return
    move = health.observe(passed=failure is None)
    if move is not None:
        registry.move(backend, move, reason=told(backend, failure) if failure else "")


def told(backend: Backend, failure: str) -> str:
    """Put a failed look into words: where nobody listens, its process may do so elsewhere."""
    return backend.elsewhere if failure in NOBODY and backend.elsewhere else failure


async def _suspected_by(backend: Backend, time: float) -> bool:
    """Sleep, or wake up because a request found nobody at home; tell which."""
    with trio.move_on_at(time):
        await backend.suspected.wait()
    if not backend.suspected.is_set():
        return False
    backend.suspected = trio.Event()
    return True
