"""Projects in the background: started, waited for, looked at, found again, ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease
from tests.support.project import SOON, Project, in_the_end, until

pytestmark = pytest.mark.real


@contextmanager
def background(project: Project, *words: str) -> Iterator[subprocess.CompletedProcess[str]]:
    """Run `rpx up` with these words, which returns; `rpx down` at the end."""
    began = project.rpx("up", *words)
    try:
        yield began
    finally:
        project.rpx("down")
        until(lambda: not project.survivors(), "nothing is left")


def test_it_returns_at_once_and_the_project_goes_on(project: Project) -> None:
    project.copies(2)
    with background(project, "-d") as up:
        assert (up.returncode, up.stdout) == (0, "")
        assert up.stderr.startswith("rpx: `shop` runs in the background (pid ")
        assert up.stderr.endswith(f", http://api.localhost:{project.http_port}\n")
        until(project.all_ready, "ready")
        assert project.get("api.localhost").status_code == 200
        again = project.rpx("up", "-d")
        assert again.returncode == 1
        assert again.stderr.startswith("error: `shop` is already running")
        down = project.rpx("down")
        assert (down.returncode, in_the_end(down.stderr)) == (0, "stopped shop\n")
    assert project.rpx("logs", "rpx").stdout.endswith("stopped\n")


def test_what_is_wrong_is_said_before_it_leaves(project: Project) -> None:
    project.write("proxis: []\n")
    with background(project, "-d") as up:
        assert up.returncode == 2
        assert "did you mean `proxies`" in up.stderr
    project.write("processes: {a: [/no/such/program]}\n")
    with background(project, "--wait") as up:
        assert up.returncode == 2
        assert "/no/such/program" in up.stderr


def test_wait_returns_when_all_is_ready_and_a_finished_oneshot_counts(project: Project) -> None:
    project.write(
        "processes:\n"
        "  db: {command: 'until [ -e go ]; do sleep 0.1; done; echo up; sleep 60',"
        " ready: {log: up}}\n"
        "  migrate: {command: echo done, oneshot: true, depends_on: [db]}\n"
    )
    with project.begin("up", "-d", "--wait", "--timeout", "30s") as up:
        assert up.stderr is not None
        assert "`" in up.stderr.readline()
        assert up.stderr.readline() == "rpx: waiting for db, migrate\n"
        assert up.stderr.readline() == (
            "rpx: waiting for db: it has not shown yet that it is ready: a line that matches `up`\n"
        )
        (project.folder / "go").touch()
        assert up.stderr.read().endswith("rpx: all is ready\n")
        assert up.wait(SOON) == 0
    assert project.states() == {"db": "ready", "migrate": "completed"}
    assert project.rpx("down").returncode == 0


def test_wait_names_who_has_failed_why_and_its_last_lines(project: Project) -> None:
    project.write(
        "processes: {well: sleep 60, bad: {command: 'echo no database; exit 3', restart: no}}"
    )
    with background(project, "--wait") as up:
        assert up.returncode == 1
        assert "error: backend `bad` exited with status 3, and its restart policy" in up.stderr
        assert "  last output:\n    no database\n" in up.stderr
        assert "hint: " in up.stderr
        assert project.states()["well"] == "ready"


def test_wait_is_not_taken_in_by_a_process_that_runs_for_a_moment(project: Project) -> None:
    project.write("processes: {bad: {command: 'sleep 0.3; echo no key; exit 3', restart: no}}")
    with background(project, "--wait") as up:
        assert up.returncode == 1, up.stderr
        assert "error: backend `bad` exited with status 3" in up.stderr
        assert "    no key\n" in up.stderr


def test_wait_names_who_is_away_and_is_not_started_by_rpx(project: Project) -> None:
    ports = project.copies(1, "  - {to: away.localhost, from: 1}\n")
    with background(project, "--wait") as up:
        assert up.returncode == 0, up.stderr
        assert up.stderr.splitlines()[-2:] == [
            "rpx: all that rpx starts is ready",
            "rpx: away:1 does not answer (connection refused): rpx does not start it",
        ]
        assert project.states()[f"api:{ports[0]}"] == "ready"


def test_wait_ends_when_what_is_waited_for_has_been_stopped(project: Project) -> None:
    project.write(
        "processes:\n  db: {command: sleep 60, ready: {log: never}}\n"
        "  app: {command: sleep 60, depends_on: [db]}\n"
        "  web: {command: sleep 60, depends_on: [app, db]}\n"
    )
    with project.begin("up", "--wait") as up:
        until(lambda: project.states().get("app") == "waiting", "app waits")
        assert project.rpx("stop", "db").returncode == 0
        assert up.wait(SOON) == 1
        assert up.stderr is not None
        said = up.stderr.read()
    assert re.search(
        "error: `db` is stopped: killed by SIGTERM.*; `app`, `web` wait for it\n", said
    )
    assert said.count("killed by") == 1  # the root, once
    assert "hint: `rpx start db`" in said
    assert project.rpx("down").returncode == 0


def test_wait_says_why_once_and_after_ctrl_c_that_it_goes_on(project: Project) -> None:
    project.write(
        "name: shop\nprocesses:\n"
        "  db: {command: sleep 100, ready: {command: exit 2}}\n"
        "  web: {command: sleep 100, depends_on: [db]}\n"
        "  loop:\n    command: sleep 0.1; exit 4\n"
        "    restart: {max_restarts: 99, backoff: {initial: 10ms, max: 10ms}}\n"
    )
    with project.begin("up", "--wait") as up:
        assert up.stderr is not None
        _, first = (up.stderr.readline() for _ in range(2))
        assert first == "rpx: waiting for db, web, loop\n"
        why = "rpx: waiting for db: .*success of `exit 2` .*status 2.*\n"
        said = ""
        while not (re.search(why, said) and "rpx: waiting for loop: " in said):
            line = up.stderr.readline()  # one after the other, as they come to be known
            assert line, said
            said += line
        assert said.count("\n") < 5, said
        time.sleep(2)  # a crash loop is no news
        up.send_signal(signal.SIGINT)
        rest = up.stderr.read().splitlines()
        assert up.wait(SOON) == 130
    assert rest[-1] == (
        "rpx: `shop` goes on in the background: `rpx attach` shows it, `rpx down` stops it"
    )
    assert len(rest) < 5, rest
    assert not any("web" in line for line in rest)
    assert project.states()["db"] == "starting"
    assert project.rpx("down").returncode == 0


def test_wait_ends_with_the_project(project: Project) -> None:
    project.write("name: shop\nprocesses: {slow: {command: sleep 60, ready: {log: never}}}")
    with project.begin("up", "--wait") as up:
        until(lambda: project.states().get("slow") == "starting", "it starts")
        assert project.rpx("down").returncode == 0
        assert up.wait(SOON) == 1
        assert up.stderr is not None
        assert "error: `shop` has ended before all was ready\n" in up.stderr.read()


def test_wait_gives_up_after_its_time_and_says_what_for(project: Project) -> None:
    project.write("processes: {slow: {command: sleep 60, ready: {log: never}}}")
    with background(project, "--wait", "--timeout", "1s") as up:
        assert up.returncode == 124
        assert "error: not ready after 1 s: slow\n  slow: it has not shown yet" in up.stderr
        assert project.states() == {"slow": "starting"}


@pytest.mark.parametrize(
    "words", [("--timeout", "1s"), ("--wait", "--timeout", "soon"), ("-d", "nobody")]
)
def test_what_makes_no_sense_is_refused(project: Project, words: tuple[str, ...]) -> None:
    project.write("processes: {app: sleep 60}")
    with background(project, *words) as up:
        assert up.returncode == 2, up.stderr
        assert up.stderr.startswith("error: ")
        assert project.survivors() == []


def test_names_start_these_and_what_they_depend_on_and_the_rest_can_follow(
    project: Project,
) -> None:
    project.write(
        "processes:\n  db: sleep 60\n  cache: {command: sleep 60, depends_on: [db]}\n"
        "  app: {command: sleep 60, depends_on: [cache]}\n  other: sleep 60\n"
    )
    with background(project, "--wait", "app"):
        assert project.states() == {
            "db": "ready",
            "cache": "ready",
            "app": "ready",
            "other": "stopped",
        }
        assert project.rpx("start", "other").returncode == 0
        assert project.states()["other"] == "ready"


def test_attach_shows_the_console_and_ctrl_c_leaves_it_running(project: Project) -> None:
    project.write("processes: {clock: 'while true; do echo tick; sleep 0.1; done'}")
    with background(project, "--wait"):
        with project.begin("attach") as attach:
            assert attach.stdout is not None
            assert attach.stderr is not None
            lines = iter(attach.stdout.readline, "")
            assert next(lines).startswith("rpx   | clock  while true")
            until(lambda: next(lines) == "clock | tick\n", "a tick")
            attach.send_signal(signal.SIGINT)
            attach.stdout.read()
            assert attach.wait(SOON) == 0
            assert "`rpx down` stops it" in attach.stderr.read()
        assert project.states() == {"clock": "ready"}
        with project.begin("attach", "--tail", "0") as attach:
            assert attach.stdout is not None
            assert attach.stderr is not None
            assert attach.stdout.readline() == "clock | tick\n"
            assert project.rpx("down").returncode == 0
            assert "rpx   | stopped\n" in attach.stdout.read()
            assert attach.stderr.read() == "rpx: the project has ended\n"
            assert attach.wait(SOON) == 0


def test_two_projects_side_by_side_do_not_meet(project: Project, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "rpx.yaml").write_text("processes: {theirs: sleep 60}")
    project.write("processes: {ours: sleep 60}")
    with background(project, "--wait"):
        assert project.rpx("up", "--wait", "-f", "other/rpx.yaml").returncode == 0
        assert project.states() == {"ours": "ready"}
        [theirs] = json.loads(project.rpx("ps", "--json", "-f", "other/rpx.yaml").stdout)
        assert theirs["label"] == "theirs"
        listed = json.loads(project.rpx("projects", "--json").stdout)
        assert [Path(row["file"]).parent for row in listed] == [other, project.folder]
        assert project.rpx("down").returncode == 0
        [row] = json.loads(project.rpx("projects", "--json").stdout)
        assert row["name"] == "other"
        done = project.rpx("down", "--all")
        assert (done.returncode, in_the_end(done.stderr)) == (0, "stopped other\n")


def test_down_all_stops_the_others_of_one_that_is_just_starting(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", project.environment["XDG_RUNTIME_DIR"])
    me = Identity.of(os.getpid())
    project.write("name: shop\nprocesses: {app: sleep 60}")
    with background(project, "--wait"):
        with take(Lease(me, me, "run", "at first", tmp_path / "other" / "rpx.yaml")):
            done = project.rpx("down", "--all")
        assert done.returncode == 3
        assert in_the_end(done.stderr).startswith("stopped shop\nerror: `at first` (pid ")
        assert "does not listen on its control socket" in done.stderr


def test_a_folder_that_is_gone_strands_nothing(project: Project, tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "rpx.yaml").write_text("processes: {app: sleep 60}")
    for moved in (True, False):
        assert project.rpx("up", "--wait", "-f", "shop/rpx.yaml").returncode == 0
        away = shop.rename(tmp_path / "away")
        if not moved:
            shutil.rmtree(away)
        assert f"{shop}/rpx.yaml  (gone)" in project.rpx("projects").stdout
        done = project.rpx("down", "-f", str(shop / "rpx.yaml"))
        assert (done.returncode, in_the_end(done.stderr)) == (0, "stopped shop\n")
        if moved:
            away.rename(shop)


def test_ctrl_c_while_it_starts_ends_it(project: Project) -> None:
    project.write("processes: {app: {command: sleep 60, ready: {log: never}}}")
    with project.begin("up", "-d") as up:
        until(lambda: any(project.folder.glob("run/rpx/*/lease.json")) or up.poll(), "begun")
        up.send_signal(signal.SIGINT)
        assert up.wait(SOON) in (130, 0)  # 0: it was just leaving
    project.rpx("down")
    until(lambda: not project.survivors(), "all gone")


def test_kill_9_of_the_guardian_in_the_background_leaves_nothing(project: Project) -> None:
    family = "{command: PYTHON APPS/forks.py, env: {DEAF: 1}, stop_grace_period: 60s}"
    project.write(f"processes: {{app: {family}}}")
    with background(project, "--wait"):
        [lease] = project.folder.glob("run/rpx/*/lease.json")
        guardian = json.loads(lease.read_text())["guardian"]["pid"]
        os.kill(guardian, signal.SIGKILL)
        until(lambda: not project.survivors(), "all gone, long before the grace period is over")


def test_where_an_agent_has_called_it_waits_in_the_background_and_says_what_is_next(
    project: Project,
) -> None:
    project.copies(1)
    project.environment["CLAUDECODE"] = "1"
    with background(project) as up:
        assert (up.returncode, up.stdout) == (0, "")
        first, *_, ready, ps, logs, down = up.stderr.splitlines()
        assert first == "rpx: CLAUDECODE is set, and this is no terminal: as `rpx up --wait`"
        assert ready == "rpx: all is ready"
        for line, command in zip((ps, logs, down), ("ps", "logs", "down"), strict=True):
            assert line.startswith(f"rpx: next: `rpx {command}"), line
    project.write("processes: {bad: {command: exit 3, restart: 'no'}}\n")
    with background(project) as up:
        assert up.returncode == 1
        assert "exited with status 3" in up.stderr
        assert up.stderr.splitlines()[-1].startswith("rpx: next: `rpx down`")
    with project.begin("up", "--foreground") as up:
        until(lambda: project.states() == {"bad": "failed"}, "it runs, and has failed")
        assert up.poll() is None
        up.send_signal(signal.SIGINT)
        assert up.wait(SOON) == 128 + signal.SIGINT
    assert "excludes" in project.rpx("up", "-d", "--foreground").stderr
