"""The last minute of a place, from counts that are looked at now and then."""

from __future__ import annotations

from rpx.control.dashboard.minute import SLOT, SLOTS, Minute
from rpx.hub.counts import Counts


def requests(counts: Counts, number: int, seconds: float = 0.01, status: int = 200) -> None:
    for _ in range(number):
        counts.answered(status, seconds)
    counts.errors += number * (status >= 500)


def test_each_slot_has_its_rate_and_percentiles_of_its_own() -> None:
    minute, counts = Minute(), Counts()
    for now in range(8):
        minute.note(now, [("api", "localhost:1", counts)])
        requests(counts, 10, 0.1 if now >= 4 else 0.01)
    minute.note(8, [("api", "localhost:1", counts)])
    trend = minute.trends()["api localhost:1"]
    assert trend.requests == (0.0,) * (SLOTS - 4) + (10.0,) * 4
    for shown, real in zip(trend.p99[-4:], (10, 10, 100, 100), strict=True):
        assert shown is not None
        assert abs(shown - real) < real / 50
    assert trend.rate == 10.0
    assert trend.p50[0] is None


def test_errors_are_counted_over_the_minute_and_now() -> None:
    minute, counts = Minute(), Counts()
    minute.note(0, [("api", "x", counts)])
    requests(counts, 8, status=502)
    for now in range(2, 12):
        minute.note(now, [("api", "x", counts)])
        assert minute.trends()["api x"].errors_of_minute == 8
    assert minute.trends()["api x"].errors == 0.0
    for now in range(12, 80, 2):
        minute.note(now, [("api", "x", counts)])
    assert minute.trends()["api x"].errors_of_minute == 0


def test_what_nobody_has_looked_at_is_spread_over_its_slots_or_forgotten() -> None:
    minute, counts = Minute(), Counts()
    minute.note(0, [("api", "x", counts)])
    requests(counts, 100)
    minute.note(10 * SLOT, [("api", "x", counts)])
    assert minute.trends()["api x"].requests[-10:] == (5.0,) * 10
    requests(counts, 100)
    minute.note(10 * SLOT + 600, [("api", "x", counts)])
    assert set(minute.trends()["api x"].requests) == {0.0}


def test_places_that_have_gone_are_forgotten() -> None:
    minute = Minute()
    minute.note(0, [("api", "x", Counts())])
    minute.note(1, [])
    assert minute.trends() == {}
