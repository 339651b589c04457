"""Whether and when a process comes back, by property and by example."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.model.config import Backoff, Restart, Start
from rpx.policy.restarts import Again, End, History, StayDown, after_exit, delay, end_of, ending


def exits(
    policy: Restart, history: History, code: int, *, uptime: float = 1, now: float = 1
) -> Again | StayDown:
    end = end_of(code, Start(command="x", cwd=Path("/")), unfit=False)
    return after_exit(
        policy, history, what=ending(code), end=end, uptime=uptime, now=now, chance=0.5
    )


@given(st.integers(1, 5000), st.floats(0, 1, exclude_max=True))
def test_a_rest_is_never_longer_than_its_cap_and_jitter(streak: int, chance: float) -> None:
    backoff = Backoff()
    assert 0.9 * backoff.initial <= delay(backoff, streak, chance) <= 1.1 * backoff.max


def test_rests_double_from_a_tenth_of_a_second_to_thirty_seconds() -> None:
    rests = [round(delay(Backoff(), streak, 0.5), 3) for streak in range(1, 12)]
    assert rests == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30, 30]


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=50))
def test_no_more_restarts_than_the_budget_allows_within_the_window(gaps: list[float]) -> None:
    policy, history, now = Restart(), History(), 0.0
    restarts: list[float] = []
    for gap in gaps:
        now += gap
        verdict = exits(policy, history, 1, uptime=gap, now=now)
        if isinstance(verdict, StayDown):
            assert verdict.gave_up
            break
        history = verdict.history
        restarts.append(now)
        recent = [at for at in restarts if now - at < policy.window]
        assert len(recent) <= policy.max_restarts


@pytest.mark.parametrize(
    ("policy", "code", "stays_down", "gave_up"),
    [
        ("no", 0, True, False),
        ("no", 1, True, True),
        ("on-failure", 0, True, False),
        ("on-failure", 1, False, False),
        ("on-failure", -9, False, False),
        ("always", 0, False, False),
        ("always", 1, False, False),
    ],
)
def test_the_policy_says_which_exits_are_followed_by_a_start(
    policy: str, code: int, stays_down: bool, gave_up: bool
) -> None:
    restart = Restart.model_validate({"policy": policy})
    verdict = exits(restart, History(), code)
    assert isinstance(verdict, StayDown) == stays_down
    if isinstance(verdict, StayDown):
        assert verdict.gave_up == gave_up


def test_a_stable_run_begins_the_streak_anew() -> None:
    verdict = exits(Restart(), History(7, ()), 1, uptime=10, now=100)
    assert isinstance(verdict, Again)
    assert verdict.history.streak == 1
    assert verdict.delay == pytest.approx(0.1)


def test_endings_are_told_in_words() -> None:
    assert ending(3) == "exited with status 3"
    assert ending(-9) == "killed by SIGKILL"
    assert ending(-40) == "killed by signal 40"
    assert ending(137) == "exited with status 137 (as after SIGKILL)"
    assert ending(127) == "exited with status 127 (command not found)"


@pytest.mark.parametrize(
    ("code", "success", "end"),
    [
        (0, (0,), End.WELL),
        (3, (0,), End.FAILED),
        (3, (0, 3), End.WELL),
        (0, (3,), End.FAILED),
        (-15, (0, 143), End.WELL),
        (143, (0, 143), End.WELL),
        (-9, (0, 143), End.FAILED),
    ],
)
def test_which_exits_are_successes_can_be_said(
    code: int, success: tuple[int, ...], end: End
) -> None:
    start = Start(command="x", cwd=Path("/"), success_exit_codes=success)
    assert end_of(code, start, unfit=False) is end
    assert end_of(code, start, unfit=True) is End.SICK
    alone = start.model_copy(update={"restart_on_unhealthy": False})
    assert end_of(code, alone, unfit=True) is End.FAILED


def test_a_sick_process_is_replaced_whatever_the_policy() -> None:
    for policy in ("no", "on-failure", "always"):
        restart = Restart.model_validate({"policy": policy})
        verdict = after_exit(restart, History(), what="", end=End.SICK, uptime=1, now=1, chance=0.5)
        assert isinstance(verdict, Again)
