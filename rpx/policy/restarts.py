"""Whether, and after how long, a process that has exited is started again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from rpx.model.config import Backoff, Restart, Start

STABLE_AFTER: Final = 10.0  # seconds up after which earlier crashes no longer lengthen the rest
JITTER: Final = 0.1


class End(Enum):
    """How a run ended. SICK: rpx has ended it, to put another in its place."""

    WELL = "well"
    FAILED = "failed"
    SICK = "sick"


@dataclass(frozen=True, slots=True)
class History:
    """The crashes that still count: `streak` without a stable run between, `times` of restarts."""

    streak: int = 0
    times: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Again:
    """Start a new process after `delay` seconds."""

    delay: float
    history: History


@dataclass(frozen=True, slots=True)
class StayDown:
    """Start none. `gave_up`: not because the exit was in order, but because there were too many."""

    gave_up: bool
    reason: str = ""


def end_of(code: int, start: Start, *, unfit: bool) -> End:
    """Judge an exit. One that rpx has ended because it was `unfit` may well go with 0.

    In `success_exit_codes`, 128 and the number of a signal stands for an end by that signal, as in
    a shell.
    """
    if unfit:
        return End.SICK if start.replaced_when_sick else End.FAILED
    seen = code if code >= 0 else 128 - code
    return End.WELL if seen in start.success_exit_codes else End.FAILED


def after_exit(
    policy: Restart,
    history: History,
    *,
    what: str,
    end: End,
    uptime: float,
    now: float,
    chance: float,
) -> Again | StayDown:
    """Decide what follows an exit nobody asked for; `what` says it in words.

    `uptime` is in seconds, `now` in seconds of the clock that `history` has its times from.
    `chance` is in [0, 1), for the jitter. That a sick process is to be replaced has been decided
    before: `no` doesn't undo it.
    """
    if policy.policy == "no" and end is not End.SICK:
        reason = f"{what}, and its restart policy is `no`" if end is End.FAILED else ""
        return StayDown(gave_up=end is End.FAILED, reason=reason)
    if policy.policy == "on-failure" and end is End.WELL:
        return StayDown(gave_up=False)
    times = tuple(at for at in history.times if now - at < policy.window)
    if len(times) >= policy.max_restarts:
        return StayDown(
            gave_up=True,
            reason=f"{what}; {_restarts(len(times))} within {policy.window:g} s, rpx gave up",
        )
    streak = 1 if uptime >= STABLE_AFTER else history.streak + 1
    return Again(delay(policy.backoff, streak, chance), History(streak, (*times, now)))


def out_of_means(history: History) -> Again:
    """Try again in a while where the system had no process to give: that is nobody's crash."""
    return Again(min(2.0**history.streak, 16.0), replace(history, streak=history.streak + 1))


def restarts_left(policy: Restart, history: History, now: float) -> int:
    """Return how many more crashes are followed by a start, if they come `now` (seconds)."""
    if policy.policy == "no":
        return 0
    recent = sum(now - at < policy.window for at in history.times)
    return max(0, policy.max_restarts - recent)


def delay(backoff: Backoff, streak: int, chance: float) -> float:
    """Seconds to rest after the `streak`-th crash in a row, with ±10 % jitter."""
    # min() on the exponent: factor ** 2000 overflows long before anybody would wait for it
    rest = min(backoff.max, backoff.initial * backoff.factor ** min(streak - 1, 64))
    return rest * (1 - JITTER + 2 * JITTER * chance)


def ending(code: int) -> str:
    """Say how a process ended, from its exit code (negative: minus the signal's number)."""
    if code < 0:
        return f"killed by {_SIGNALS.get(-code, f'signal {-code}')}"
    if code - 128 in _SIGNALS:  # a shell tells of its child like that, and a JVM of itself
        return f"exited with status {code} (as after {_SIGNALS[code - 128]})"
    means = _MEANS.get(code)
    return f"exited with status {code} ({means})" if means else f"exited with status {code}"


def left_behind(who: Sequence[str]) -> str:
    """Say that a process has ended and others of its instance had not: it was in the background."""
    listed = " and ".join((*who[:2], *([f"{len(who) - 2} more"] if len(who) > 2 else ())))
    count = "1 process" if len(who) == 1 else f"{len(who)} processes"
    return f"it left {count} behind ({listed}), ended: run it in the foreground"


# What a shell says by them (POSIX, Shell & Utilities 2.8.2).
_MEANS: Final = {126: "not executable", 127: "command not found"}
# The numbers that Linux and macOS share; the `signal` module is a door pure rooms don't open.
_SIGNALS: Final = {
    1: "SIGHUP",
    2: "SIGINT",
    3: "SIGQUIT",
    4: "SIGILL",
    6: "SIGABRT",
    8: "SIGFPE",
    9: "SIGKILL",
    11: "SIGSEGV",
    13: "SIGPIPE",
    15: "SIGTERM",
}


def _restarts(count: int) -> str:
    return f"{count} restart" if count == 1 else f"{count} restarts"
