"""What the threads have found out of a project, and what the figures of two looks come to."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rpx.model.answers import Ps, Why
from rpx.model.figures import Figures

Stats = Mapping[str, Mapping[str, Figures]]
WINDOW: Final = 5.0  # seconds that a rate is the mean of
CPU_WITHIN: Final = 1.0  # seconds at least that a share of a CPU is the mean of
SLOT: Final = 3.0  # seconds of one bar of the last minute
SLOTS: Final = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A project at one moment. `at`: seconds of a clock that nobody sets.

    `why` has those copies that are not as they should be. `trouble`: why this is not how things are
    now. `ended`: the project doesn't run any more.
    """

    project: str
    rows: tuple[Ps, ...] = ()
    stats: Stats = field(default_factory=dict)
    at: float = 0.0
    why: Mapping[str, Why] = field(default_factory=dict)
    trouble: str = ""
    ended: bool = False


@dataclass(frozen=True, slots=True)
class CopySeen:
    """A backend with its figures. `figures` None: it answers no requests.

    `rate`: requests a second. `cpu`: percent of one CPU, None: it was not there before. `minute`:
    requests a second in each part of the last minute, oldest first.
    """

    row: Ps
    figures: Figures | None = None
    rate: float = 0.0
    cpu: float | None = None
    minute: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """All of a project. `rate`: requests a second, also those that rpx has answered itself."""

    copies: int
    ready: int
    failed: int
    rate: float
    in_flight: int
    errors: int
    cpu: float
    memory: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What is compared with a later look: requests, and (pid, seconds of CPU), by label."""

    at: float
    requests: Mapping[str, int]
    cpu: Mapping[str, tuple[int | None, float]]
    total: int


class Meter:
    """Remembers a minute of looks."""

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def take(self, seen: Seen) -> tuple[list[CopySeen], Totals]:
        """Return the copies as they are at a look, which is later than any before."""
        figures = {row.label: figures_of(row, seen.stats) for row in seen.rows}
        now = _Look(
            seen.at,
            {label: each["requests"] for label, each in figures.items() if each},
            {row.label: (row.pid, row.cpu) for row in seen.rows if row.cpu is not None},
            _total(seen.stats, "requests"),
        )
        if self._looks and now.total < self._looks[-1].total:  # another run
            self._looks.clear()
        self._looks.append(now)
        while now.at - self._looks[0].at > SLOT * (SLOTS + 1):
            self._looks.popleft()
        copies = [
            CopySeen(
                row,
                figures[row.label],
                self._rate(row.label),
                self._cpu(row.label),
                self._minute(row.label),
            )
            for row in seen.rows
        ]
        return copies, self._totals(copies, seen.stats)

    def _totals(self, copies: Sequence[CopySeen], stats: Stats) -> Totals:
        now, first = self._looks[-1], self._since(WINDOW)
        passed = now.at - first.at
        return Totals(
            copies=len(copies),
            ready=sum(each.row.state in {"ready", "completed"} for each in copies),
            failed=sum(each.row.state in {"failed", "unhealthy", "backoff"} for each in copies),
            rate=(now.total - first.total) / passed if passed > 0 else 0.0,
            in_flight=_total(stats, "inFlight"),
            errors=_total(stats, "errors"),
            cpu=sum(each.cpu or 0.0 for each in copies),
            memory=sum(each.row.memory or 0 for each in copies),
        )

    def _since(self, seconds: float) -> _Look:
        """The first look that is not older than this."""
        now = self._looks[-1].at
        return next(each for each in self._looks if now - each.at <= seconds)

    def _rate(self, label: str) -> float:
        now, first = self._looks[-1], self._since(WINDOW)
        return _growth(first, now, label)

    def _cpu(self, label: str) -> float | None:
        now = self._looks[-1]
        pid, used = now.cpu.get(label, (None, 0.0))
        for then in reversed(self._looks):
            if now.at - then.at >= CPU_WITHIN:
                before, was = then.cpu.get(label, (None, 0.0))
                if pid is None or before != pid:
                    return None
                return max(0.0, used - was) / (now.at - then.at) * 100
        return None

    def _minute(self, label: str) -> tuple[float, ...]:
        """From the look that ends each slot; what was before the first look counts as nothing."""
        last = int(self._looks[-1].at / SLOT)
        ends: dict[int, _Look] = {int(look.at / SLOT): look for look in self._looks}
        bars = []
        for slot in range(last - SLOTS + 1, last + 1):
            then, now = ends.get(slot - 1), ends.get(slot)
            bars.append(_growth(then, now, label) if then and now else 0.0)
        return tuple(bars)


def figures_of(row: Ps, stats: Stats) -> Figures | None:
    """Return the figures of the requests that a backend has answered; None: it gets none."""
    if row.place is None or row.backend is None:
        return None
    return stats.get(row.place, {}).get(row.backend)


def _growth(then: _Look, now: _Look, label: str) -> float:
    passed = now.at - then.at
    if passed <= 0 or label not in now.requests:
        return 0.0
    return max(0, now.requests[label] - then.requests.get(label, 0)) / passed


def _total(stats: Stats, key: str) -> int:
    found: Mapping[str, Mapping[str, Mapping[str, int]]] = stats  # type: ignore[assignment]
    return sum(row[key] for backends in found.values() for row in backends.values())
