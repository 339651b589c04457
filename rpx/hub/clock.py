"""Clocks that stand for what people mean by time."""

from __future__ import annotations

import random
from time import perf_counter
from typing import Final

from trio.abc import Clock

SLEEPS: Final = 1.0  # seconds, the longest sleep: so a lost moment is known to a second
LATE: Final = 1.0  # seconds by which a busy machine may wake us too late


class WakingClock(Clock):
    """trio's clock, but for the time in which rpx itself could do nothing.

    A process that is suspended (SIGSTOP, a virtual machine at rest, a machine without a free
    moment) finds all its deadlines passed when it wakes up: it would kill services that have
    become ready meanwhile, and whose word lies in the pipe. So time that was slept too long is not
    counted, for any deadline. Only in the supervisor: a program that uses rpx has its own clock.
    """

    def __init__(self) -> None:
        self._offset = random.uniform(10_000, 200_000)  # noqa: S311 - as trio does, against mixing
        self._seen = perf_counter()  # the last moment that we know of, by the system's clock
        self._asleep = 0.0  # how long we meant to sleep since then

    def start_clock(self) -> None:
        """Nothing has been slept yet."""
        self._seen = perf_counter()

    def current_time(self) -> float:
        """Seconds, only those awake."""
        now = perf_counter()
        over = now - self._seen - self._asleep
        if over > LATE:
            self._offset -= over
        self._seen, self._asleep = now, 0.0
        return now + self._offset

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """How long to sleep until then; no longer than SLEEPS at a time."""
        self._asleep = 0.0
        seconds = min(deadline - self.current_time(), SLEEPS)
        self._asleep = max(seconds, 0.0)
        return seconds
