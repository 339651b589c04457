"""ReloadPlan of files: a burst means one restart, and a circle ever fewer."""

from __future__ import annotations

import itertools

import pytest

from rpx.policy.bursts import IN_A_ROW, LONGEST, OF_ANY_FILE, QUIET, SLOWEST, Bursts


def test_a_burst_is_over_after_a_little_quiet() -> None:
    bursts = Bursts()
    for now in (10.0, 10.2, 10.4):
        bursts.change("a", now)
    assert bursts.pause(10.4) == pytest.approx(QUIET)
    assert bursts.pause(10.4 + QUIET) == 0


def test_a_burst_without_an_end_is_not_waited_for() -> None:
    bursts = Bursts()
    now = 0.0
    for now in (number / 10 for number in range(1000)):
        bursts.change("log", now)
        if not bursts.pause(now):
            break
    assert now == LONGEST


def circle(bursts: Bursts, *, times: int, path: str = "own", every: float = 0.2) -> list[float]:
    """Restarts each of which changes a file a moment later; the times from one to the next."""
    now, told, begun = 0.0, [], []
    for _ in range(times):
        bursts.change(path, now)
        now += bursts.pause(now)
        told.append(bursts.begin())
        begun.append(now)
        bursts.over(now)
        now += every
    assert [number for number, own in enumerate(told, 1) if own] == [IN_A_ROW] * (times >= IN_A_ROW)
    return [after - before for before, after in itertools.pairwise(begun)]


def test_a_circle_is_told_of_once_and_slows_down() -> None:
    pauses = circle(Bursts(), times=14)
    assert pauses[: IN_A_ROW - 1] == pytest.approx([QUIET + 0.2] * (IN_A_ROW - 1))
    assert pauses[6] < pauses[7] < pauses[8]
    assert max(pauses) == pytest.approx(SLOWEST + 0.2)


def test_another_file_is_somebody_who_saves() -> None:
    bursts = Bursts()
    circle(bursts, times=8)
    bursts.change("own", 100.0)
    bursts.change("app.py", 100.0)
    assert bursts.pause(100.0) == pytest.approx(QUIET)
    assert bursts.begin() == ""


def test_who_saves_now_and_then_is_no_circle() -> None:
    bursts = Bursts()
    for number in range(20):
        bursts.change("app.py", now := 10.0 * number)
        assert bursts.pause(now) == pytest.approx(QUIET)
        assert bursts.begin() == ""
        bursts.over(now + 1)


def test_who_mends_a_mistake_at_once_and_more_than_once_is_no_circle() -> None:
    assert circle(Bursts(), times=5, every=0.9) == pytest.approx([QUIET + 0.9] * 4)


def test_files_with_new_names_each_time_are_a_circle_too() -> None:
    bursts, now, told, begun = Bursts(), 0.0, [], []
    for number in range(20):
        bursts.change(f"bundle.{number}.js", now)
        now += bursts.pause(now)
        told.append(bursts.begin())
        begun.append(now)
        bursts.over(now)
        now += 0.2
    assert [name for name in told if name] == [f"bundle.{OF_ANY_FILE}.js"]
    pauses = [after - before for before, after in itertools.pairwise(begun)]
    assert pauses[OF_ANY_FILE - 1] == pytest.approx(QUIET + 0.2)
    assert pauses[-1] > 30
