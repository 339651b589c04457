"""How the last minute was, as rates and percentiles of short slots, for the lines of dashboards.

It is computed from counts that are kept anyway, whenever somebody looks. Time in which nobody has
looked is told as even: its requests are spread over its slots.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from rpx.hub.counts import Counts
from rpx.policy.histogram import Histogram

SLOT: Final = 2.0  # seconds
SLOTS: Final = 30
OVER: Final = 4.0  # seconds over which the present rate is taken


@dataclass(frozen=True, slots=True)
class Slot:
    """Requests and errors in it, and percentiles in milliseconds; None: there was no answer."""

    requests: float
    errors: float
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """How it goes at one place: requests and errors a second now, errors of the last minute.

    The lists have a value for each slot of it, the newest last: requests a second, percentiles in
    milliseconds.
    """

    rate: float
    errors: float
    errors_of_minute: int
    requests: tuple[float, ...]
    p50: tuple[float | None, ...]
    p99: tuple[float | None, ...]


@dataclass(slots=True)
class _Track:
    slot: int
    before: Histogram
    errors: int
    slots: deque[Slot] = field(default_factory=lambda: deque(maxlen=SLOTS))
    recent: deque[tuple[float, int, int]] = field(default_factory=deque)


class Minute:
    """The last minute of each place."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def note(self, now: float, counts: Iterable[tuple[str, str, Counts]]) -> None:
        """Take counts of now, in seconds that only grow; each of a place and who answers there."""
        tracks, slot = self._tracks, int(now // SLOT)
        self._tracks = {}
        for place, who, counted in counts:
            key = f"{place} {who}"
            track = tracks.get(key)
            if track is None or counted.requests < track.before.count:  # another life of the pool
                track = _Track(slot, counted.latency.copy(), counted.errors)
            self._tracks[key] = track
            recent = track.recent
            recent.append((now, counted.requests, counted.errors))
            while len(recent) > 2 and recent[1][0] <= now - OVER:
                recent.popleft()
            if slot > track.slot:
                _advance(track, slot, counted)

    def trends(self) -> dict[str, Trend]:
        """Return those of all, by `place who`."""
        return {key: _trend(track) for key, track in self._tracks.items()}


def _advance(track: _Track, slot: int, counted: Counts) -> None:
    passed = slot - track.slot
    requests, errors = counted.requests - track.before.count, counted.errors - track.errors
    if requests:
        grown = counted.latency.since(track.before)
        p50, p99 = (round(each * 1000, 2) for each in grown.quantiles(0.5, 0.99))
        new = Slot(requests / passed, errors / passed, p50, p99)
        track.before = counted.latency.copy()
    else:
        new = Slot(0.0, errors / passed, None, None)
    if passed > SLOTS:  # nobody knows which of it was in the last minute
        track.slots.clear()
    else:
        track.slots.extend([new] * passed)
    track.slot, track.errors = slot, counted.errors


def _trend(track: _Track) -> Trend:
    (began, requests, errors), (ended, all_requests, all_errors) = (
        track.recent[0],
        track.recent[-1],
    )
    time = ended - began
    missing = SLOTS - len(track.slots)
    return Trend(
        rate=round((all_requests - requests) / time, 1) if time else 0.0,
        errors=round((all_errors - errors) / time, 1) if time else 0.0,
        errors_of_minute=round(sum(each.errors for each in track.slots)),
        requests=(0.0,) * missing + tuple(round(each.requests / SLOT, 1) for each in track.slots),
        p50=(None,) * missing + tuple(each.p50 for each in track.slots),
        p99=(None,) * missing + tuple(each.p99 for each in track.slots),
    )
