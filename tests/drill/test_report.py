"""Sums of a drill: phases, time line, verdict."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.drill.report import SLICES, Damage, Shot, counted, in_rotation, phases, timeline

KILL = Damage("kill", "api:3001", 1, at=5.0, lasts=0.0, rotation=((5.01, False), (5.5, True)))
HANG = Damage("hang", "api:3001", 1, at=5.0, lasts=2.0)

times = st.floats(0, 10)


def fine(due: float, took: float = 0.01) -> Shot:
    return Shot(due, took, 200)


def test_a_request_that_the_damage_may_have_hit_belongs_to_it() -> None:
    shots = [fine(4.9), fine(4.995, 0.3), fine(5.2), fine(5.49), fine(5.5), fine(9)]
    found = phases(shots, KILL, 10.0)
    assert [phase.requests for phase in found.values()] == [1, 3, 2]
    assert found["during"].longest == 300.0


def test_a_hang_lasts_as_long_as_it_is_kept_up_or_until_the_backend_is_back() -> None:
    assert HANG.over(10.0) == 7.0
    late = Damage("hang", "a", 1, 5.0, 2.0, rotation=((6.0, False), (7.8, True)))
    assert late.over(10.0) == 7.8
    replaced = Damage("hang", "a", 1, 5.0, 4.0, replaced=True, rotation=late.rotation)
    assert replaced.over(10.0) == 7.8


def test_what_has_not_returned_lasts_to_the_end() -> None:
    gone = Damage("kill", "a", 1, 5.0, 0.0, rotation=((5.1, False),))
    assert (gone.left, gone.returned, gone.over(10.0)) == (5.1, None, 10.0)
    again = Damage("kill", "a", 1, 5.0, 0.0, rotation=((5.1, False), (5.3, True), (5.4, False)))
    assert (again.left, again.returned) == (5.1, None)


def test_without_damage_everything_was_before_it() -> None:
    assert phases([fine(1)], None, 2.0)["before"].requests == 1


@given(st.lists(st.tuples(times, times)))
def test_every_request_is_in_one_phase_and_one_slice(each: list[tuple[float, float]]) -> None:
    shots = [fine(due, took) for due, took in each]
    assert sum(phase.requests for phase in phases(shots, KILL, 10.0).values()) == len(shots)
    parts = timeline(shots, KILL, 10.0)
    assert len(parts) == SLICES
    assert sum(part.requests for part in parts) == len(shots)
    assert all((part.longest is None) == (part.requests == 0) for part in parts)


@given(st.lists(times, min_size=1))
def test_no_quantile_is_longer_than_the_longest(took: list[float]) -> None:
    found = phases([fine(0, each) for each in took], None, 10.0)["before"]
    assert found.p50 <= found.p99 <= found.longest


@pytest.mark.parametrize(
    ("begin", "end", "up"),
    [(0, 5, True), (5, 5.2, False), (5.2, 5.4, False), (5.4, 5.6, False), (5.6, 6, True)],
)
def test_a_moment_out_of_rotation_is_seen(begin: float, end: float, up: bool) -> None:
    assert in_rotation(KILL, begin, end) is up


def test_an_answer_of_500_has_failed_and_one_of_404_has_not() -> None:
    shots = [
        Shot(0, 1, 404),
        Shot(0, 1, 502),
        Shot(0, 1, 502),
        Shot(0, 1, None, "connection reset"),
    ]
    assert counted(shots) == (
        {"status 502": 2, "connection reset": 1},
        {"502": 2, "404": 1},
    )
