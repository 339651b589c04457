"""From single results to a verdict: is this backend to be in rotation, is it to be replaced?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from rpx.model.config import HealthCheck
from rpx.policy.lifecycle import Move

ASK_AGAIN: Final = 1.0  # a backend that is out is asked at least this often, in seconds
KNOCK: Final = 0.02  # seconds until somebody is knocked at again who wasn't there; each time more
LATE: Final = 0.1, 0.02  # how late its return may be noticed: seconds, or a share of its absence


@dataclass(slots=True)
class Health:
    """Streaks of passes and failures of one process. `rise` passes in a row: up; `fall`: down."""

    rise: int = 1
    fall: int = 3
    up: bool = False
    undecided: bool = False  # not up, but nobody has said that it is down
    _streak: int = 0  # positive: passes in a row; negative: failures in a row

    @classmethod
    def of(cls, check: HealthCheck | None, *, undecided: bool = False, up: bool = False) -> Health:
        """Thresholds of `check`, or for a backend without one: one pass, three failures."""
        if check is None:
            return cls(undecided=undecided, up=up)
        rise, fall = check.healthy_threshold, check.unhealthy_threshold
        return cls(rise, fall, undecided=undecided, up=up)

    def observe(self, *, passed: bool) -> Move | None:
        """Count one result; return the move when the verdict changes, else None."""
        if passed:
            self._streak = max(self._streak, 0) + 1
        else:
            self._streak = min(self._streak, 0) - 1
        if not self.up and self._streak >= self.rise:
            self.up, self.undecided = True, False
            return Move.PROBE_UP
        if (self.up or self.undecided) and self._streak <= -self.fall:
            self.up = self.undecided = False
            return Move.PROBE_DOWN
        return None

    def forgive(self) -> None:
        """A failure that does not count: who is still starting may fail."""
        self._streak = 0

    def refuse(self) -> Move | None:
        """A refused connection needs no second opinion: nobody listens there."""
        self._streak = min(self._streak, -self.fall)
        if self.up:
            self.up = False
            return Move.PROBE_DOWN
        return None

    @property
    def streak(self) -> int:
        """Passes in a row; negative: failures in a row."""
        return self._streak

    @property
    def hopeless(self) -> bool:
        """Failed as often again after leaving rotation: asking once more won't help it."""
        return not self.up and self._streak <= -2 * self.fall


def next_check(check: HealthCheck | None, *, up: bool) -> float:
    """Seconds until the next check; infinite: not before a request has failed there."""
    if up:
        return check.interval if check else math.inf
    return min(check.interval, ASK_AGAIN) if check else ASK_AGAIN


def next_knock(check: HealthCheck | None, knocks: int, away: float) -> float:
    """Seconds until the next look at a port where nobody listens, after so many of them.

    `away`: for how many seconds nobody has. Who comes back after an hour may wait for a second,
    and is cheap until then; who is just being restarted may not.
    """
    seconds, share = LATE
    return min(KNOCK * knocks, max(seconds, share * away), next_check(check, up=False))
