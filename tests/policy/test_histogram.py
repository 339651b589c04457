"""The histogram of durations: its bounds, against the sorted list that it stands for."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.policy.histogram import ERROR, Histogram

DURATIONS = st.lists(st.floats(1e-6, 8000), min_size=1, max_size=60)


@given(DURATIONS, st.floats(0.001, 1))
def test_a_quantile_is_within_the_error_of_the_sample_it_stands_for(
    durations: list[float], share: float
) -> None:
    rank = max(1, ceil(share * len(durations)))
    exact = sorted(durations)[rank - 1]
    assert Histogram(durations).quantile(share) == pytest.approx(exact, rel=ERROR * 1.0001)


@given(DURATIONS)
def test_number_and_sum_are_exact(durations: list[float]) -> None:
    histogram = Histogram(durations)
    assert histogram.count == len(durations)
    assert histogram.total == pytest.approx(sum(durations))
    assert histogram.mean == pytest.approx(sum(durations) / len(durations))


@given(DURATIONS, st.lists(st.integers(-25, 20), max_size=10).map(sorted))
def test_how_many_were_below_a_power_of_two_is_exact(
    durations: list[float], exponents: list[int]
) -> None:
    counts = Histogram(durations).up_to(exponents)
    reach = [e for e in exponents if -20 <= e <= 13]
    inside = [count for e, count in zip(exponents, counts, strict=True) if e in reach]
    assert inside == [sum(each < 2.0**e for each in durations) for e in reach]


@given(DURATIONS, DURATIONS)
def test_two_added_are_one_of_all(one: list[float], two: list[float]) -> None:
    added, whole = Histogram(one), Histogram(one + two)
    added.add(Histogram(two))
    assert added.count == whole.count
    assert added.total == pytest.approx(whole.total)
    for share in (0.5, 0.9, 0.99):
        assert added.quantile(share) == whole.quantile(share)


@pytest.mark.parametrize("odd", [0.0, -1.0, 1e-12, 1e9])
def test_what_no_duration_should_be_is_counted_at_the_edge(odd: float) -> None:
    histogram = Histogram([odd])
    assert histogram.count == 1
    assert histogram.quantile(0.5) == pytest.approx(8128 if odd > 1 else 2.0**-20, rel=0.02)


def test_of_nothing_everything_is_nothing() -> None:
    histogram = Histogram()
    assert (histogram.count, histogram.mean, histogram.quantile(0.99)) == (0, 0.0, 0.0)
    assert histogram.up_to([-10, 0]) == [0, 0]
