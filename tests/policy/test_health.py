"""From results to verdicts, by property and by example."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from rpx.model.config import HealthCheck
from rpx.policy.health import Health, next_check, next_knock
from rpx.policy.lifecycle import Move


@given(st.lists(st.booleans()), st.integers(1, 4), st.integers(1, 4))
def test_a_verdict_changes_only_after_enough_results_in_a_row(
    results: list[bool], rise: int, fall: int
) -> None:
    health = Health(rise, fall)
    for count, passed in enumerate(results, 1):
        before = health.up
        move = health.observe(passed=passed)
        assert (move is not None) == (health.up != before)
        if move is Move.PROBE_UP:
            assert results[count - rise : count] == [True] * rise
        if move is Move.PROBE_DOWN:
            assert results[count - fall : count] == [False] * fall


def test_a_refused_connection_is_enough() -> None:
    health = Health(up=True)
    assert health.refuse() is Move.PROBE_DOWN
    assert health.refuse() is None
    assert health.observe(passed=True) is Move.PROBE_UP


def test_only_twice_the_threshold_is_hopeless() -> None:
    health = Health(1, 3, up=True)
    hopeless = []
    for _ in range(6):
        health.observe(passed=False)
        hopeless.append(health.hopeless)
    assert hopeless == [False] * 5 + [True]


def test_a_backend_that_is_out_is_asked_every_second_or_more_often() -> None:
    assert next_check(None, up=True) == math.inf
    assert next_check(None, up=False) == 1.0
    slow, quick = HealthCheck(interval=5.0), HealthCheck(interval=0.2)
    assert (next_check(slow, up=True), next_check(slow, up=False)) == (5.0, 1.0)
    assert (next_check(quick, up=True), next_check(quick, up=False)) == (0.2, 0.2)


def test_who_has_just_gone_is_knocked_at_after_20_ms_and_40_ms_and_is_soon_noticed() -> None:
    assert [next_knock(None, knocks, 0.0) for knocks in (1, 2, 3, 5, 50)] == [
        0.02, 0.04, 0.06, 0.1, 0.1,
    ]  # fmt: skip
    assert next_knock(None, 99, 10.0) == 0.2
    assert next_knock(None, 10_000, 3600.0) == 1.0


def test_knocks_are_as_frequent_as_checks_at_least() -> None:
    assert next_knock(HealthCheck(interval=0.05), 50, 3600.0) == 0.05
    assert next_knock(HealthCheck(interval=30.0), 10_000, 3600.0) == 1.0
