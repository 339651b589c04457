"""How far a drill is, added up as its requests end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rpx.drill.report import SLICES, Shot


class DrillProgress:
    """What came of the requests so far; each is looked at once."""

    def __init__(self, duration: float) -> None:
        """`duration` of the load, in seconds."""
        self._width = duration / SLICES
        self._slices = [[0, 0, 0.0] for _ in range(SLICES)]  # requests, failed, longest in seconds
        self.sent = 0
        self.failed = 0
        self.longest = 0.0  # seconds

    def take(self, shots: Sequence[Shot]) -> None:
        """Take all that there are; those of the last time are the first of them."""
        for shot in shots[self.sent :]:
            failed = bool(shot.why_failed)
            part = self._slices[min(int(shot.due / self._width), SLICES - 1)]
            part[0] += 1
            part[1] += failed
            part[2] = max(part[2], shot.took)
            self.failed += failed
            self.longest = max(self.longest, shot.took)
        self.sent = len(shots)

    def json(self, passed: float) -> dict[str, Any]:
        """As a line of `rpx drill --json --progress` has it, `passed` seconds after the beginning.

        The time line is that of the report, up to now; its latencies are milliseconds, too.
        """
        there = min(int(passed / self._width) + 1, SLICES)
        return {
            "passed": round(passed, 2),
            "sent": self.sent,
            "failed": self.failed,
            "longest": round(self.longest * 1000, 2),
            "timeline": [
                {
                    "at": round(number * self._width, 3),
                    "requests": requests,
                    "failed": failed,
                    "longest": round(longest * 1000, 2) if requests else None,
                }
                for number, (requests, failed, longest) in enumerate(self._slices[:there])
            ],
        }
