"""The benchmarks judge by paired rounds, and the table says what was reached."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from benchmarks.__main__ import ALL_ROWS, EVERYTHING, options
from benchmarks.h2load import figures
from benchmarks.lifetime import Figure
from benchmarks.load import Sample
from benchmarks.processes import Failed
from benchmarks.report import as_json, goals_table, ratio, row_table
from benchmarks.rows import Goal, Row


def sample(rate: float, *, cpu: float = 10.0, median: float = 100.0) -> Sample:
    return Sample(rate=rate, bytes=rate * 100, cpu=cpu, median=median, errors=0)


def row(name: str) -> Row:
    return next(row for row in ALL_ROWS if row.name == name)


def against(row: Row, other: str) -> Goal:
    return next(goal for goal in row.goals if other in goal.needs)


def rounds(*pairs: tuple[float, float]) -> list[Mapping[str, Sample]]:
    return [{"rpx": sample(ours), "nginx": sample(theirs)} for ours, theirs in pairs]


def test_a_ratio_is_the_median_of_paired_rounds() -> None:
    # The machine was slow in the second round, for both: medians taken apart would say 9 / 30.
    found = ratio(against(row("small"), "nginx"), rounds((20, 40), (5, 10), (9, 30)))
    assert found == 0.5


def test_a_goal_without_its_contender_is_left_out_not_missed() -> None:
    small = row("small")
    assert ratio(against(small, "caddy"), rounds((10, 20))) is None
    assert "left out" in goals_table([(small, rounds((10, 20)))], [])


@pytest.mark.parametrize(("ours", "verdict"), [(10, "reached"), (9.9, "**missed**")])
def test_the_table_says_what_was_reached(ours: float, verdict: str) -> None:
    small = row("small")
    first = goals_table([(small, rounds((ours, 20)))], []).splitlines()[2]
    assert first.endswith(f"| ≥ 0.5 | {verdict} |")


def test_added_latency_is_taken_from_the_round_s_own_direct_line() -> None:
    latency = row("latency")
    found: list[Mapping[str, Sample]] = [
        {
            "direct": sample(1, median=20),
            "rpx": sample(1, median=60),
            "nginx": sample(1, median=40),
        }
    ]
    assert ratio(latency.goals[0], found) == 2.0
    assert "| rpx | 1.00 | 10.0 | 40.0 |  |" in row_table(latency, found)


def test_what_a_passed_connection_costs_more_is_of_project_and_door_together() -> None:
    new = row("door-new")
    ways = {
        "rpx-own": sample(1, cpu=120),
        "rpx-passed": replace(sample(1, cpu=140), door=50.0),
        "rpx-alone": sample(1, cpu=120),
    }
    assert [ratio(goal, [ways]) for goal in new.goals] == [70.0, 1.0]
    assert "| rpx-passed | 1.00 | 140 + 50.0 | 100 |  |" in row_table(new, [ways])


def test_every_lane_that_a_goal_needs_is_run() -> None:
    for each in ALL_ROWS:
        lanes = {lane.name for lane in each.lanes}
        for goal in each.goals:
            assert lanes.issuperset(goal.needs)


def test_a_figure_must_not_exceed_its_limit() -> None:
    assert Figure("x", "x", 80.0, 80.0, "MB").reached
    assert not Figure("x", "x", 80.1, 80.0, "MB").reached


def test_the_file_has_the_samples_and_the_verdicts() -> None:
    small = row("small")
    figures = [Figure("memory", "memory", 70.0, 80.0, "MB")]
    found = json.loads(json.dumps(as_json({}, [(small, rounds((10, 20)))], figures)))
    assert found["rows"]["small"]["goals"][0]["reached"]
    assert found["rows"]["small"]["rounds"][0]["rpx"]["rate"] == 10
    assert found["figures"][0]["reached"]


def test_names_of_rows_are_checked() -> None:
    assert options([]).only == list(EVERYTHING)
    assert options(["--only", "small,help"]).only == ["small", "help"]
    with pytest.raises(SystemExit):
        options(["--only", "smal"])


H2LOAD = """
finished in 61.50ms, 16259.76 req/s, 1.73MB/s
requests: 1000 total, 1000 started, 1000 done, 990 succeeded, 10 failed, 4 errored, 0 timeout
status codes: 990 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 108.73KB (111340) total, 34.18KB (35000) headers (space savings 67%), 55.66KB (57000) data
"""


def test_what_h2load_says_becomes_figures() -> None:
    found = figures(H2LOAD, 16)
    assert (found["requests"], found["bytes"], found["errors"]) == (990, 57_000 + 990 * 16, 10)
    assert found["microseconds"] == pytest.approx(61_500)
    with pytest.raises(Failed, match="no such host"):
        figures("no such host", 0)
