"""`rpx drill` against real processes: what it does, what it counts, what it leaves behind."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.support.project import RPX, SOON, Project, project_in, until

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project_in(tmp_path_factory.mktemp("pair")) as project:
        project.copies(2)
        with project.up():
            yield project


@pytest.fixture
def pair(_running: Project) -> Iterator[Project]:
    """A project with two copies that runs; what a drill does to it heals."""
    yield _running
    until(_running.all_ready, "both are back")


LONG = ("--rate", "100", "--duration", "1500ms")
SHORT = ("--rate", "100", "--duration", "200ms")


def drill(project: Project, *words: str, code: int = 0) -> dict[str, Any]:
    done = project.rpx("drill", "api", *words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def test_who_can_be_drilled_is_offered_at_tab(pair: Project) -> None:
    asking = {
        **pair.environment,
        "_RPX_COMPLETE": "fish_complete",
        "COMP_WORDS": "rpx drill api --kill a",
        "COMP_CWORD": "a",
    }
    done = subprocess.run(
        RPX, cwd=pair.folder, env=asking, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"plain,{row['label']}\tready" for row in pair.ps()]


def test_a_killed_copy_costs_no_request_and_is_seen_to_leave_and_return(pair: Project) -> None:
    second = pair.ps()[1]["port"]
    known = pair.ps()[1]
    words = ("--rate", "100", "--duration", "60s", "--at", "200ms", "--json")
    command = pair.begin("drill", "api", *words)
    until(lambda: pair.ps()[1]["restarts"] == known["restarts"] + 1, "it was killed")
    until(pair.all_ready, "it is back")
    command.send_signal(signal.SIGINT)  # enough was seen
    out, err = command.communicate(timeout=SOON)
    assert command.returncode == 130, err
    report = json.loads(out)
    assert report["cut_short"] == "interrupted"
    assert report["requests"]["failed"] == 0
    assert report["requests"]["statuses"] == {"200": report["requests"]["sent"]}
    damage = report["damage"]
    assert (damage["kind"], damage["backend"], damage["pid"]) == (
        "kill",
        f"api:{second}",
        known["pid"],
    )
    assert 0 <= damage["left_after"] < damage["returned_after"]
    assert report["latency"]["before"]["requests"] >= 15
    assert report["latency"]["during"]["requests"] > 0


def counted(project: Project) -> int:
    """How many requests rpx has counted so far."""
    stats = json.loads(project.rpx("stats", "--json").stdout)["api.localhost"]
    return sum(row["requests"] for row in stats.values())


def test_all_that_is_sent_is_counted_by_rpx_as_well(pair: Project) -> None:
    before = counted(pair)
    report = drill(pair, *SHORT)
    assert report["passed"]
    assert report["requests"]["sent"] == counted(pair) - before == 20


def test_requests_wait_for_the_only_copy_and_rpx_tells_how_many(project: Project) -> None:
    [port] = project.copies(1)
    with project.up():
        report = drill(project, *LONG, "--kill", str(port), "--at", "200ms", "--down-for", "300ms")
    assert report["requests"]["failed"] == 0
    assert report["requests"]["held"] > 10
    assert report["latency"]["during"]["longest"] > 300


def test_a_copy_that_hangs_is_waited_for_and_goes_on(pair: Project) -> None:
    second = pair.ps()[1]["port"]
    words = ("--hang", str(second), "--at", "200ms", "--down-for", "500ms")
    report = drill(pair, *LONG, *words)
    assert psutil.Process(report["damage"]["pid"]).status() != psutil.STATUS_STOPPED
    assert report["requests"]["failed"] == 0
    assert report["latency"]["during"]["longest"] >= 400
    assert report["damage"]["left_after"] is None


def test_more_failures_than_allowed_are_exit_code_1(pair: Project) -> None:
    report = drill(pair, *SHORT, "--path", "/status?c=503", code=1)
    assert report["requests"]["failures"] == {"status 503": 20}
    assert not report["passed"]
    until(pair.all_ready, "the copy that it has killed is back")
    assert drill(pair, *SHORT, "--path", "/status?c=503", "--allow-errors", "20")["passed"]


def test_ctrl_c_lets_what_was_suspended_go_on_and_reports_what_there_is(pair: Project) -> None:
    second = pair.ps()[1]["port"]
    pid = next(row["pid"] for row in pair.ps() if row["port"] == second)
    words = ("--duration", "60s", "--at", "0.2s", "--down-for", "50s")
    command = pair.begin("drill", "api", "--hang", str(second), *words)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "it hangs")
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=SOON)
    assert command.returncode == 130, err
    assert psutil.Process(pid).status() != psutil.STATUS_STOPPED
    assert "hangs for 50 s" in err
    assert "interrupted after" in out
    assert f"api:{second} (pid {pid}) stayed in rotation" in out


def test_the_end_of_rpx_ends_the_drill_and_is_no_success(project: Project) -> None:
    project.copies(2)
    with project.up():
        command = project.begin("drill", "api", "--duration", "60s", "--at", "0.1s", "--json")
        assert command.stderr is not None
        assert "requests/s to" in command.stderr.readline()
        assert "SIGKILL" in command.stderr.readline()
        assert project.rpx("down").returncode == 0
        out, err = command.communicate(timeout=SOON)
    assert command.returncode == 1, err
    report = json.loads(out)
    assert report["cut_short"] == "rpx ended"
    assert report["requests"]["retried"] is None


def test_who_cannot_be_hit_is_said_before_anything_is_sent(project: Project) -> None:
    [port] = project.copies(1)
    with project.up():
        done = project.rpx("drill", "api")
        assert done.returncode == 2
        assert f"`api:{port}` is alone in rotation" in done.stderr
        assert project.rpx("pause-backend", "api").returncode == 0
        done = project.rpx("drill", "api", "--kill", str(port))
        assert done.returncode == 1
        assert f"hint: bring it in first: `rpx resume-backend api:{port}`" in done.stderr
        stats = json.loads(project.rpx("stats", "--json").stdout)["api.localhost"]
        assert [row["requests"] for row in stats.values()] == [0]


def test_the_report_is_readable_where_there_is_no_unicode(pair: Project) -> None:
    done = subprocess.run(
        [*RPX, "drill", "api", *SHORT],
        cwd=pair.folder,
        env=pair.environment | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u" not in done.stdout
    assert b"longest wait" in done.stdout
    assert done.stdout.isascii()
