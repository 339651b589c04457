"""Time that rpx has slept through doesn't count."""

from __future__ import annotations

import pytest
import trio

from rpx.hub import clock
from rpx.hub.clock import WakingClock


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The system's clock, in the first place."""
    now = [1000.0]
    monkeypatch.setattr(clock, "perf_counter", lambda: now[0])
    return now


def test_a_sleep_that_lasted_too_long_counts_as_long_as_it_was_meant_to_be(
    system: list[float],
) -> None:
    it = WakingClock()
    it.start_clock()
    began = it.current_time()
    assert it.deadline_to_sleep_time(began + 0.5) == 0.5
    system[0] += 8.5
    assert it.current_time() - began == pytest.approx(0.5)
    system[0] += 0.25
    assert it.current_time() - began == pytest.approx(0.75)


def test_a_machine_that_is_merely_busy_may_wake_us_late(system: list[float]) -> None:
    it = WakingClock()
    it.start_clock()
    began = it.current_time()
    it.deadline_to_sleep_time(began + 0.5)
    system[0] += 1.4
    assert it.current_time() - began == pytest.approx(1.4)


def test_no_sleep_is_longer_than_a_second_so_that_a_lost_moment_is_seen(
    system: list[float],
) -> None:
    it = WakingClock()
    it.start_clock()
    began = it.current_time()
    assert it.deadline_to_sleep_time(began + 3600) == 1.0
    assert it.deadline_to_sleep_time(float("inf")) == 1.0
    system[0] += 60
    assert it.current_time() - began == pytest.approx(1.0)
    assert it.deadline_to_sleep_time(began) < 0


def test_trio_runs_by_it() -> None:
    async def nap() -> float:
        began = trio.current_time()
        await trio.sleep(0.05)
        return trio.current_time() - began

    assert 0.05 <= trio.run(nap, clock=WakingClock()) < 1
