"""Ask a backend how it is, and move it in and out of rotation accordingly."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from rpx.backend.probe import HELD, NOBODY, is_silence
from rpx.hub.endpoint import Endpoint
from rpx.hub.process import Standing
from rpx.hub.registry import Registry
from rpx.model.config import HealthCheck
from rpx.model.status import State
from rpx.policy.health import Health, next_check, next_knock

FIRST_PAUSE: Final = 0.02  # between the first looks at who is starting and answers badly, in s
GROWTH: Final = 1.3


async def check_health(
    registry: Registry,
    endpoint: Endpoint,
    check: Callable[[], Awaitable[str | None]],
    *,
    over: Callable[[], bool],
    until_hopeless: Callable[[], bool],
    start_period_ends: float = math.inf,
) -> None:
    """Check at once, then as often as `endpoint` needs it, until `over()` or it is hopeless.

    A slow check doesn't push the next one back, or a sick backend would be asked less often than
    a well one. `check` returns None when the backend answers, else why it does not. While nobody
    listens there, knocks between the checks notice at once who does: they decide nothing else.
    Until `start_period_ends` (trio's time) failures of a backend that is still starting don't
    count. Another `health_check` holds at once.
    """
    rhythm = Rhythm(endpoint.spec.health_check)
    health = Health.of(rhythm.check, undecided=_is_starting(endpoint))
    endpoint.watch(health)
    while True:
        began = trio.current_time()
        with endpoint.seats.visit():  # no connection of ours may be in its way
            failure = await check()
            busy = is_silence(failure) and endpoint.seats.crowded_since(began)
        if over():  # the answer may come after the question has lost its meaning
            return
        spared = _is_starting(endpoint) and trio.current_time() < start_period_ends
        if rhythm.counts(failure, began) and not busy:  # it answers others, one after the other
            _judge(registry, endpoint, health, failure, spared=spared)
        sick = endpoint.state is State.UNHEALTHY and health.hopeless
        if sick and until_hopeless() and not endpoint.paused:  # somebody may be debugging it
            return
        eager = spared and _is_starting(endpoint)
        suspected = await _suspected_by(endpoint, rhythm.next(began, up=health.up, eager=eager))
        if endpoint.spec.health_check != rhythm.check:
            rhythm = Rhythm(endpoint.spec.health_check)
            undecided = _is_starting(endpoint)
            health = Health.of(rhythm.check, undecided=undecided, up=health.up)
            endpoint.watch(health)
        elif suspected and not over():
            rhythm = Rhythm(rhythm.check)
            refused = health.refuse()
            if refused is not None:
                registry.judge(endpoint, refused, reason=endpoint.standing.last_error)


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
    registry: Registry, endpoint: Endpoint, health: Health, failure: str | None, *, spared: bool
) -> None:
    standing = endpoint.standing
    if failure == HELD:
        if standing.last_error != HELD:
            endpoint.blame(HELD)
            registry.say(f"{HELD}: checks without an answer don't count", endpoint)
        return
    unborn = _is_starting(endpoint) and failure in NOBODY and not standing.elsewhere
    if failure is not None and not unborn:
        endpoint.blame(worded(standing, failure))  # that it does not listen yet is no error
    if failure is not None and spared:
        health.forgive()
        return
    move = health.observe(passed=failure is None)
    if move is not None:
        registry.judge(endpoint, move, reason=worded(standing, failure) if failure else "")


def _is_starting(endpoint: Endpoint) -> bool:
    """Whether it is the address by which a process that starts is known to be ready."""
    return endpoint.own and endpoint.state is State.STARTING


def worded(standing: Standing, failure: str) -> str:
    """Put a failed look into words: where nobody listens, its process may do so elsewhere."""
    return standing.elsewhere if failure in NOBODY and standing.elsewhere else failure


async def _suspected_by(endpoint: Endpoint, time: float) -> bool:
    """Sleep, or wake up because a request found nobody at home; tell which."""
    with trio.move_on_at(time):
        await endpoint.suspected.wait()
    if not endpoint.suspected.is_set():
        return False
    endpoint.unsuspect()
    return True
