"""Ask an address or a process how it is, and move it accordingly: an address in and out of
rotation, a process that has none between ready and unhealthy.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import trio

from rpx.backend.probe import HELD, NOBODY, is_silence
from rpx.hub.endpoint import Endpoint
from rpx.hub.process import Process, Standing
from rpx.hub.registry import Registry
from rpx.model.config import HealthCheck
from rpx.model.status import State
from rpx.policy.health import Health, next_check, next_knock
from rpx.policy.lifecycle import Move

FIRST_PAUSE: Final = 0.02  # between the first looks at who is starting and answers badly, in s
GROWTH: Final = 1.3


@dataclass(frozen=True, slots=True)
class Vigil:
    """How somebody is asked, and how long. `check` gives None when it is well, else why it isn't.

    It goes on until `over()`, or it is hopeless and `until_hopeless()`. `born` is trio's time at
    which its process has begun.
    """

    check: Callable[[], Awaitable[str | None]]
    over: Callable[[], bool] = lambda: False
    until_hopeless: Callable[[], bool] = lambda: False
    born: float = math.inf

    def spares(self, check: HealthCheck | None) -> bool:
        """Whether a failure of who is still starting doesn't count yet."""
        period = check.start_period if check else None
        return period is None or trio.current_time() < self.born + period


async def watch_endpoint(registry: Registry, endpoint: Endpoint, vigil: Vigil) -> None:
    """Check at once, then as often as `endpoint` needs it, until that ends.

    A slow check doesn't push the next one back, or a sick backend would be asked less often than
    a well one. While nobody listens there, knocks between the checks notice at once who does: they
    decide nothing else. Until its start period is over failures of a backend that is still starting
    don't count. Another `health_check` holds at once.
    """
    rhythm = Rhythm(endpoint.spec.health_check)
    health = Health.of(rhythm.check, undecided=_is_starting(endpoint))
    endpoint.watch(health)
    while True:
        began = trio.current_time()
        with endpoint.seats.visit():  # no connection of ours may be in its way
            failure = await vigil.check()
            busy = is_silence(failure) and endpoint.seats.crowded_since(began)
        if vigil.over():  # the answer may come after the question has lost its meaning
            return
        starting = _is_starting(endpoint)
        spared = starting and vigil.spares(rhythm.check)
        if rhythm.counts(failure, began) and not busy:  # it answers others, one after the other
            _judge(registry, endpoint, health, failure, starting=starting, spared=spared)
        sick = endpoint.state is State.UNHEALTHY and health.hopeless
        if sick and vigil.until_hopeless() and not endpoint.paused:  # he may be debugging it
            return
        eager = spared and _is_starting(endpoint)
        suspected = await _suspected_by(endpoint, rhythm.next(began, up=health.up, eager=eager))
        if endpoint.spec.health_check != rhythm.check:
            rhythm = Rhythm(endpoint.spec.health_check)
            undecided = _is_starting(endpoint)
            health = Health.of(rhythm.check, undecided=undecided, up=health.up)
            endpoint.watch(health)
        elif suspected and not vigil.over():
            rhythm = Rhythm(rhythm.check)
            refused = health.refuse()
            if refused is not None:
                registry.judge(endpoint, refused, reason=endpoint.standing.last_error)


async def watch_process(registry: Registry, process: Process, vigil: Vigil) -> None:
    """The same for a process that has no address: without a check it is well as long as it runs."""
    while not vigil.over():
        check = process.spec.health_check
        if check is None:
            process.watch(None)
            registry.move(process, Move.PROBE_UP)
            while process.spec.health_check is None:
                await process.changed.wait()
        elif await _watch(registry, process, check, vigil):
            return


async def _watch(registry: Registry, process: Process, check: HealthCheck, vigil: Vigil) -> bool:
    """Go by one check until there is another; tell whether it has come to its end before."""
    rhythm = Rhythm(check)
    starting = process.state is State.STARTING
    health = Health.of(check, undecided=starting, up=process.state is State.READY)
    process.watch(health)
    while process.spec.health_check == check:
        began = trio.current_time()
        failure = await vigil.check()
        if vigil.over():
            return True
        starting = process.state is State.STARTING
        spared = starting and vigil.spares(check)
        if rhythm.counts(failure, began):
            _judge(registry, process, health, failure, starting=starting, spared=spared)
        if process.state is State.UNHEALTHY and health.hopeless and vigil.until_hopeless():
            return True
        eager = spared and process.state is State.STARTING
        with trio.move_on_at(rhythm.next(began, up=health.up, eager=eager)):
            while process.spec.health_check == check:
                await process.changed.wait()
    return False


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
    registry: Registry,
    asked: Endpoint | Process,
    health: Health,
    failure: str | None,
    *,
    starting: bool,
    spared: bool,
) -> None:
    standing = asked.standing
    if failure == HELD:
        if standing.last_error != HELD:
            asked.blame(HELD)
            registry.say(f"{HELD}: checks without an answer don't count", asked)
        return
    unborn = starting and failure in NOBODY and not standing.elsewhere
    if failure is not None and not unborn:
        asked.blame(worded(standing, failure))  # that it does not listen yet is no error
    if failure is not None and spared:
        health.forgive()
        return
    move = health.observe(passed=failure is None)
    if move is None:
        return
    reason = worded(standing, failure) if failure else ""
    if isinstance(asked, Process):
        registry.move(asked, move, reason=reason)
    else:
        registry.judge(asked, move, reason=reason)


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
