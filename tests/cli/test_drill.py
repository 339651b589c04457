"""`rpx drill`: what is refused before anything is sent, and how a report looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rpx.cli.main import main
from rpx.cli.terminal.chart import ASCII, UNICODE, characters, chart
from rpx.drill.report import Damage, Report, Shot, counted, phases, timeline, to_json

KILL = Damage("kill", "api:3001", 4711, at=1.0, lasts=0.0, rotation=((1.01, False), (1.49, True)))


def report(*extra: Shot, damage: Damage | None = KILL) -> Report:
    shots = [Shot(number / 30, 0.002, 200) for number in range(60)] + list(extra)
    failures, statuses = counted(shots)
    return Report(
        service="api",
        url="http://api.localhost:8080",
        path="/",
        rate=30,
        duration=2.0,
        allowed=0,
        damage=damage,
        sent=len(shots),
        failures=failures,
        statuses=statuses,
        retried=1,
        held=0,
        longest=max(shot.took for shot in shots) * 1000,
        late=0.5,
        phases=phases(shots, damage, 2.0),
        timeline=timeline(shots, damage, 2.0),
    )


def test_the_chart_shows_waits_failures_and_rotation_one_below_the_other() -> None:
    broken = Shot(1.02, 0.034, None, "connection reset")
    assert chart(report(broken), UNICODE, colour=False) == [
        f"longest wait  {'▁' * 30}█{'▁' * 29}  up to 34.0 ms",
        f"failed        {'·' * 30}x{'·' * 29}  1",
        f"api:3001      {'━' * 30}{' ' * 15}{'━' * 15}  in rotation",
        f"              0 s{' ' * 27}^ 1.0 s{' ' * 23}2 s",
    ]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100, 200])
@pytest.mark.parametrize("label", ["api:3001", "a-service-with-quite-a-long-name:28001"])
def test_the_chart_fits_the_terminal_and_forgets_nothing(width: int, label: str) -> None:
    failed = Shot(1.7, 0.3, 502)
    damage = replace(KILL, label=label)
    lines = chart(report(failed, damage=damage), UNICODE, colour=False, width=width)
    assert max(map(len, lines)) <= max(width, len(f"{label}  in rotation"))
    text = "\n".join(lines)
    assert text.count("x") == 1
    for word in ("up to 300.0 ms", label, "in rotation", "0 s", "2 s"):
        assert word in text
    wide = chart(report(failed, damage=damage), UNICODE, colour=False)
    assert (lines == wide) == (max(map(len, wide)) <= width)


def test_the_chart_needs_neither_unicode_nor_colour() -> None:
    lines = chart(report(), ASCII, colour=False)
    assert all(line.isascii() for line in lines)
    assert characters("ascii") is characters("nonsense") is ASCII
    assert characters("utf-8") is UNICODE
    coloured = chart(report(), UNICODE, colour=True)
    assert "\x1b[" in coloured[0]


def test_the_chart_of_a_drill_that_was_ended_before_the_damage_has_none() -> None:
    assert len(chart(report(damage=None), UNICODE, colour=False)) == 3


def test_json_has_everything_in_seconds_and_milliseconds() -> None:
    data = to_json(report(Shot(1.02, 0.034, 502)))
    assert data["damage"] == {
        "kind": "kill",
        "backend": "api:3001",
        "pid": 4711,
        "at": 1.0,
        "for": 0.0,
        "replaced": False,
        "left_after": 0.01,
        "returned_after": 0.49,
    }
    assert data["requests"]["failures"] == {"status 502": 1}
    assert (data["passed"], data["longest"]) == (False, 34.0)
    assert sum(phase["requests"] for phase in data["latency"].values()) == 61
    assert to_json(replace(report(), damage=None))["damage"] is None


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--kill", "--hang"], "`--kill` and `--hang` exclude each other"),
        (["--duration", "0"], "`--duration` is 0"),
        (["--duration", "soon"], "`--duration` is not a duration"),
        (["--at", "10s"], "`--at` (10 s) reaches beyond the end of the load (10 s)"),
        (["--down-for", "8s"], "`--at` and `--down-for` together (13 s) reach beyond"),
        (["--rate", "20000", "--duration", "2m"], "more than 1,000,000 requests"),
        (["--rate", "0"], "invalid value for `--rate`"),
        (["--path", "users"], "`--path` is not a path: users"),
        (["--path", "/a b"], "`--path` is not a path"),
        (["--path", "/\r\nX: y"], "`--path` is not a path"),
        (["--allow-errors", "-1"], "invalid value for `--allow-errors`"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is(
    words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drill", "api", *words]) == 2
    assert error in capsys.readouterr().err


def test_without_a_running_project_there_is_nothing_to_send_to(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert main(["drill", "api"]) == 3
    assert "nothing runs here" in capsys.readouterr().err
