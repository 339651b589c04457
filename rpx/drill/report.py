"""What a drill came to: pure sums over what was sent and what was heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from rpx.policy.histogram import Histogram

SLICES: Final = 60  # of the time line


@dataclass(frozen=True, slots=True)
class Shot:
    """One request: when it was due, how long its answer took from then on (seconds), and what came.

    `status` None: no whole answer, and `failure` says why.
    """

    due: float
    took: float
    status: int | None
    failure: str = ""

    @property
    def why_failed(self) -> str:
        """In words that others share; empty for an answer below 500."""
        if self.status is not None and self.status >= 500:
            return f"status {self.status}"
        return self.failure

    @property
    def over(self) -> float:
        """When the answer was there."""
        return self.due + self.took


@dataclass(frozen=True, slots=True)
class Damage:
    """What was done to whom. `at` and all other times are seconds since the load began.

    `kind` is kill, stop, hang or slow; `lasts` how long it is kept up (hang, slow) or down.
    `replaced`: rpx had ended the process before that was over. `rotation` tells when the backend
    was taken out (False) and let in (True).
    """

    kind: str
    label: str
    pid: int
    at: float
    lasts: float
    replaced: bool = False
    rotation: tuple[tuple[float, bool], ...] = ()

    @property
    def left(self) -> float | None:
        """When it left the rotation; None: it never did."""
        return next((at for at, up in self.rotation if not up), None)

    @property
    def returned(self) -> float | None:
        """When it was in rotation again for good; None: it never left, or had not returned."""
        if self.left is None or not self.rotation[-1][1]:
            return None
        return self.rotation[-1][0]

    def over(self, end: float) -> float:
        """When all was as before; `end` if that was not seen."""
        if self.left is not None and self.returned is None:
            return end
        kept_up = self.kind in ("hang", "slow") and not self.replaced
        return max(self.at + self.lasts * kept_up, self.returned or 0.0)


@dataclass(frozen=True, slots=True)
class Phase:
    """The requests of one phase; latencies in milliseconds."""

    requests: int
    p50: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the time line: what was due in it. `longest` in milliseconds, None: nothing was."""

    at: float
    requests: int
    failed: int
    longest: float | None
    in_rotation: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `retried` and `held` are rpx's own counts for the service, None: not to be had."""

    service: str
    url: str
    path: str
    rate: float
    duration: float
    allowed: int
    damage: Damage | None
    sent: int
    failures: Mapping[str, int]
    statuses: Mapping[str, int]
    retried: int | None
    held: int | None
    longest: float
    late: float
    phases: Mapping[str, Phase]
    timeline: Sequence[Slice] = field(repr=False)
    cut_short: str = ""  # why the load did not go on to its end
    unfinished: int = 0  # requests that were under way then

    @property
    def failed(self) -> int:
        """How many requests had no answer below 500."""
        return sum(self.failures.values())

    @property
    def passed(self) -> bool:
        """The load went on to its end, and no more failed than were allowed."""
        return not self.cut_short and self.failed <= self.allowed


def phases(shots: Iterable[Shot], damage: Damage | None, end: float) -> dict[str, Phase]:
    """Before, during and after the damage.

    A request belongs to `during` as soon as any of its time does: one that was sent just before a
    crash is one of those that it hit.
    """
    groups: dict[str, list[Shot]] = {"before": [], "during": [], "after": []}
    for shot in shots:
        if damage is None or shot.over < damage.at:
            groups["before"].append(shot)
        elif shot.due >= damage.over(end):
            groups["after"].append(shot)
        else:
            groups["during"].append(shot)
    return {name: _phase(group) for name, group in groups.items()}


def _phase(shots: Sequence[Shot]) -> Phase:
    took = Histogram(shot.took for shot in shots)
    longest = max((shot.took for shot in shots), default=0.0)
    # A quantile is the middle of a bucket, and may lie beyond the longest, which is exact.
    half, most = (_ms(min(took.quantile(share), longest)) for share in (0.5, 0.99))
    return Phase(len(shots), half, most, _ms(longest))


def timeline(shots: Iterable[Shot], damage: Damage | None, duration: float) -> list[Slice]:
    """The load in equal slices of time."""
    width = duration / SLICES
    groups: list[list[Shot]] = [[] for _ in range(SLICES)]
    for shot in shots:
        groups[min(int(shot.due / width), SLICES - 1)].append(shot)
    return [
        Slice(
            round(number * width, 3),
            len(group),
            sum(bool(shot.why_failed) for shot in group),
            _ms(max(shot.took for shot in group)) if group else None,
            in_rotation(damage, number * width, (number + 1) * width),
        )
        for number, group in enumerate(groups)
    ]


def in_rotation(damage: Damage | None, begin: float, end: float) -> bool:
    """Whether the damaged backend was in rotation all the time from `begin` up to `end`."""
    up = True
    for at, now in damage.rotation if damage else ():
        if at >= end:
            break
        if at >= begin and (not up or not now):
            return False
        up = now
    return up


def counted(shots: Iterable[Shot]) -> tuple[dict[str, int], dict[str, int]]:
    """Why requests failed, and the statuses of answers; each with how often, most often first."""
    shots = list(shots)
    failures = Counter(shot.why_failed for shot in shots if shot.why_failed)
    statuses = Counter(str(shot.status) for shot in shots if shot.status is not None)
    return dict(failures.most_common()), dict(statuses.most_common())


def to_json(report: Report) -> dict[str, Any]:
    """The shape of `rpx drill --json`: latencies in milliseconds, times in seconds."""
    damage = report.damage
    return {
        "service": report.service,
        "url": report.url,
        "path": report.path,
        "rate": report.rate,
        "duration": report.duration,
        "passed": report.passed,
        "cut_short": report.cut_short or None,
        "allowed_errors": report.allowed,
        "requests": {
            "sent": report.sent,
            "failed": report.failed,
            "retried": report.retried,
            "held": report.held,
            "unfinished": report.unfinished,
            "failures": dict(report.failures),
            "statuses": dict(report.statuses),
        },
        "longest": report.longest,
        "sent_late": report.late,
        "damage": damage
        and {
            "kind": damage.kind,
            "backend": damage.label,
            "pid": damage.pid,
            "at": round(damage.at, 3),
            "for": damage.lasts,
            "replaced": damage.replaced,
            "left_after": _since(damage, damage.left),
            "returned_after": _since(damage, damage.returned),
        },
        "latency": {
            name: {
                "requests": phase.requests,
                "p50": phase.p50,
                "p99": phase.p99,
                "longest": phase.longest,
            }
            for name, phase in report.phases.items()
        },
        "timeline": [
            {
                "at": part.at,
                "requests": part.requests,
                "failed": part.failed,
                "longest": part.longest,
                "in_rotation": part.in_rotation,
            }
            for part in report.timeline
        ],
    }


def _since(damage: Damage, at: float | None) -> float | None:
    return None if at is None else round(at - damage.at, 4)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
