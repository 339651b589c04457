"""`rpx up` with real processes: what it says, how it ends, what it leaves."""

from __future__ import annotations

import os
import pty
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from tests.cli.up import RPX, Project, Up, is_alive, wait_until

pytestmark = pytest.mark.real

STUBBORN = """\
processes:
  stubborn: "trap '' TERM; echo armed; while true; do sleep 0.1; done"
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_it_says_what_comes_up_and_where_and_leaves_nothing(project: Project) -> None:
    first, second = project.copies(2)
    with Up(project) as up:
        url = up.until("api is up at").split()[-1]
        rows = project.ps()
        assert [row["state"] for row in rows] == ["ready", "ready"]
        assert [row["url"] for row in rows] == [url, url]
        here = url.replace("api.localhost", "127.0.0.1")
        assert httpx.get(here, headers={"host": "api.localhost"}).status_code == 200
        assert up.end(signal.SIGINT) == 130
    width = len(f"api:{first}")
    overview = f"{'rpx':<{width}} | api  {url} → localhost:{first}, localhost:{second}"
    assert up.said[0] == overview
    assert any(line.startswith(f"{'rpx':<{width}} | api:{first} ready (pid ") for line in up.said)
    assert f"api:{first} | listening" in up.said
    assert up.said[-1] == f"{'rpx':<{width}} | stopped"
    assert "\x1b" not in "".join(up.said)
    assert project.processes() == []


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_each_signal_has_its_exit_code(project: Project, signum: int, code: int) -> None:
    project.copies(1)
    with Up(project) as up:
        up.until("is up at")
        assert up.end(signum) == code
    assert project.processes() == []


def test_a_signal_in_the_middle_of_the_start_ends_in_order(project: Project) -> None:
    project.copies(1)
    with Up(project) as up:
        wait_until(lambda: any(project.root.glob("run/rpx/*/lease.json")))
        assert up.end(signal.SIGTERM) == 143
        assert up.said[-1].endswith("| stopped")
        with Up(project) as again:
            again.until("is up at")
            assert again.end(signal.SIGINT) == 130
    assert "earlier run" not in "".join(again.said)
    assert project.processes() == []


def test_down_waits_until_all_has_gone(project: Project) -> None:
    project.copies(1)
    with Up(project) as up:
        up.until("is up at")
        down = project.rpx("down")
        assert (down.returncode, down.stdout, down.stderr) == (0, "", "stopped shop\n")
        assert project.processes() == []
        assert up.end() == 0
    assert project.rpx("ps").returncode == 3


def test_a_second_up_is_refused_and_harms_nothing(project: Project) -> None:
    project.copies(1)
    with Up(project) as up:
        up.until("is up at")
        refused = project.rpx("up")
        assert refused.returncode == 1
        assert refused.stdout == ""
        assert refused.stderr.startswith(
            f"error: `shop` is already running (pid {up.supervisor.pid})\n"
        )
        assert project.rpx("ps").returncode == 0
        assert up.end(signal.SIGINT) == 130


def test_what_a_crashed_run_left_is_ended_without_asking(project: Project) -> None:
    project.copies(2)
    with Up(project) as up:
        up.until("is up at")
        supervisor = up.supervisor
        supervisor.suspend()  # so that it doesn't hear that its guardian has gone
        up.process.kill()
        up.process.wait()
        supervisor.kill()
        psutil.wait_procs([supervisor], timeout=5)
        left = project.processes()
        assert left
        assert project.rpx("ps").returncode == 3
        with Up(project) as again:
            again.until(f"rpx: an earlier run (pid {supervisor.pid}) did not end in order: ended")
            again.until("is up at")
            assert not any(is_alive(process) for process in left)
            assert again.end(signal.SIGINT) == 130


def test_ctrl_c_names_who_is_waited_for_and_the_second_kills(project: Project) -> None:
    project.write(STUBBORN)
    with Up(project) as up:
        up.until("stubborn | armed")
        up.process.send_signal(signal.SIGINT)
        up.until("stopping: 1 backend (Ctrl-C again to hurry)")
        line = up.until("waiting for")
        assert "waiting for stubborn (pid " in line
        assert line.endswith("), SIGKILL in 9s, Ctrl-C to kill now")
        assert up.end(signal.SIGINT) == 130
    assert "stubborn stopped: killed by SIGKILL" in "\n".join(up.said)
    assert project.processes() == []


def test_a_backend_that_gives_up_shows_its_last_output_and_what_to_do(project: Project) -> None:
    project.write(
        "processes:\n"
        "  crasher: {command: 'echo no such module; exit 3', restart: 'no'}\n"
        "  quiet: sleep 60\n"
    )
    with Up(project) as up:
        up.until("error: backend `crasher` exited with status 3")
        assert up.until("no such module").endswith("|     no such module")
        assert up.until("hint:").endswith(
            "hint: run `echo no such module; exit 3` yourself, then `rpx start crasher`"
        )
        [failed, _] = project.ps()
        assert failed["state"] == "failed"
        assert up.end(signal.SIGINT) == 130


def test_a_killed_backend_comes_back_with_another_pid(project: Project) -> None:
    _, port = project.copies(2)
    with Up(project) as up:
        up.until("is up at")
        [_, before] = project.ps()
        killed = project.rpx("kill-backend", str(port))
        assert killed.returncode == 0
        assert killed.stdout.endswith(", out of rotation, restart at once\n")
        up.until("starting")
        up.until(f"api:{port} ready")
        [_, after] = project.ps()
        assert (after["restarts"], after["state"]) == (1, "ready")
        assert after["pid"] != before["pid"]
        assert up.end(signal.SIGINT) == 130


def test_followed_logs_end_with_the_project(project: Project) -> None:
    project.write("processes: {clock: 'while true; do echo tick; sleep 0.1; done'}\n")
    with Up(project) as up:
        up.until("clock ready")
        with project.begin("logs", "-f", "clock") as logs:
            assert logs.stdout is not None
            assert logs.stdout.readline() == "clock | tick\n"
            assert up.end(signal.SIGINT) == 130
            assert logs.stderr is not None
            assert set(logs.stdout) <= {"clock | tick\n"}
            assert logs.stderr.read() == "rpx: the project has ended\n"
            assert logs.wait(10) == 0


def test_a_terminal_that_goes_away_stops_everything(project: Project) -> None:
    project.copies(1)
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - becomes another program
        os.chdir(project.folder)
        os.execve(RPX[0], [*RPX, "up"], project.environ)  # noqa: S606 - no shell is wanted
    said = b""
    while b"is up at" not in said:
        said += os.read(terminal, 1000)
    assert b"\x1b[" in said  # colours, on a terminal
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 129
    wait_until(lambda: project.processes() == [])


def test_a_closed_pipe_is_no_reason_to_die(project: Project) -> None:
    project.write("processes: {chatty: 'while true; do date; sleep 0.05; done'}\n")
    reader, writer = os.pipe()
    with Up(project, stdout=writer) as up:
        os.close(writer)
        while b"chatty ready" not in os.read(reader, 1000):
            pass
        os.close(reader)
        wait_until(lambda: project.rpx("logs", "--tail", "50").stdout.count("\n") > 20)
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(10) == 130


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("proxis: []\n", 2, "`proxis`"),
        ("{{{", 2, "error: "),
        ("processes: {a: {command: /no/such/program-here}}\n", None, "/no/such/program-here"),
        ("processes: {a: {command: ls, cwd: /no/such/folder}}\n", None, "/no/such/folder"),
    ],
)
def test_what_cannot_run_is_one_clear_message(
    project: Project, text: str, code: int | None, error: str
) -> None:
    project.write(text)
    with Up(project) as up:
        assert up.end() in ({code} if code else {1, 2})
    assert error in "\n".join(up.said)
    assert "hint: " in "\n".join(up.said)
    assert "Traceback" not in "\n".join(up.said)
    assert project.processes() == []


def test_without_a_file_there_is_a_hint(project: Project) -> None:
    up = project.rpx("up")
    assert up.returncode == 2
    assert up.stderr.startswith("error: no rpx.yaml in ")
    assert "hint: " in up.stderr
    assert project.rpx("up", "-f", "nowhere.yaml").returncode == 2
