"""`rpx up` with real processes: what it says, how it ends, what it leaves."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess

import psutil
import pytest

from tests.support.project import RPX, SOON, Project, end, in_the_end, supervisor, until

pytestmark = [pytest.mark.real, pytest.mark.smoke]

STUBBORN = """\
processes:
  stubborn: "trap '' TERM; echo armed; while true; do sleep 0.1; done"
"""


@pytest.fixture
def typed(project: Project) -> Project:
    """A project for which Python is started each time, as it is for a user."""
    project.forks = False
    return project


def test_it_says_what_comes_up_and_where_and_leaves_nothing(typed: Project) -> None:
    first, second = typed.copies(2)
    with typed.up() as up:
        url = typed.until_said("api is up at").split()[-1]
        assert [row["url"] for row in typed.ps()] == [url, url]
        assert typed.get("api.localhost").status_code == 200
        assert end(up, signal.SIGINT) == 130
        assert typed.survivors() == []
    said, width = typed.lines(), len(f"api:{first}")
    overview = f"{'rpx':<{width}} | api  {url} → localhost:{first}, localhost:{second}"
    assert said[0] == overview
    assert any(line.startswith(f"{'rpx':<{width}} | api:{first} ready (pid ") for line in said)
    assert f"api:{first} | listening on http://localhost:{first}" in said
    assert said[-1] == f"{'rpx':<{width}} | stopped"


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_each_signal_has_its_exit_code(project: Project, signum: int, code: int) -> None:
    project.copies(1)
    with project.up() as up:
        assert end(up, signum) == code
        assert project.survivors() == []


def test_a_signal_in_the_middle_of_the_start_ends_in_order(typed: Project) -> None:
    typed.copies(1)
    with typed.up(ready=False) as up:
        until(lambda: any(typed.folder.glob("run/rpx/*/lease.json")), "a lease")
        assert end(up, signal.SIGTERM) == 143
        assert typed.lines()[-1].endswith("| stopped")
        typed.forks = True
        with typed.up() as again:
            assert end(again, signal.SIGINT) == 130
            assert "earlier run" not in typed.said()


def test_down_waits_until_all_has_gone(typed: Project) -> None:
    typed.copies(1)
    with typed.up() as up:
        down = typed.rpx("down")
        assert (down.returncode, down.stdout) == (0, "")
        assert in_the_end(down.stderr) == "stopped shop\n"
        assert typed.survivors() == []
        assert up.wait(SOON) == 0
        assert typed.rpx("ps").returncode == 3


def test_a_second_up_is_refused_and_harms_nothing(project: Project) -> None:
    project.copies(1)
    with project.up() as up:
        refused = project.rpx("up")
        assert refused.returncode == 1
        assert refused.stdout == ""
        assert refused.stderr.startswith(
            f"error: `shop` is already running (pid {supervisor(up).pid})\n"
        )
        assert project.rpx("ps").returncode == 0


def test_what_a_crashed_run_left_is_ended_without_asking(project: Project) -> None:
    project.copies(2)
    with project.up() as up:
        below = supervisor(up)
        # Not the other way round: the kernel wakes a suspended group whose parent dies.
        up.send_signal(signal.SIGSTOP)  # so that it doesn't sweep
        below.kill()
        until(lambda: below.status() == psutil.STATUS_ZOMBIE, "killed")
        up.kill()
        up.wait()
        left = project.survivors()
        assert left
        assert project.rpx("ps").returncode == 3
        with project.up():
            project.until_said(f"rpx: an earlier run (pid {below.pid}) did not end in order: ended")
            assert not {process.pid for process in left} & {p.pid for p in project.survivors()}


def test_ctrl_c_names_who_is_waited_for_and_the_second_kills(project: Project) -> None:
    project.write(STUBBORN)
    with project.up() as up:
        project.until_said("stubborn | armed")
        up.send_signal(signal.SIGINT)
        project.until_said("stopping: 1 backend (Ctrl-C again to hurry)")
        line = project.until_said("waiting for")
        assert "waiting for stubborn (pid " in line
        assert line.endswith("), SIGKILL in 9s, Ctrl-C to kill now")
        assert end(up, signal.SIGINT) == 130
        assert "stubborn stopped: killed by SIGKILL" in project.said()


def test_who_is_waited_for_is_what_is_left_when_the_leader_has_gone(project: Project) -> None:
    (project.folder / "stubborn.sh").write_text(
        "trap '' TERM; echo daemon $$; while true; do sleep 0.1; done"
    )
    project.write("processes: {app: setsid sh stubborn.sh & exec sleep 60}")
    with project.up() as up:
        pid = project.until_said("app | daemon").split()[-1]
        up.send_signal(signal.SIGINT)
        line = project.until_said("waiting for what app has left behind")
        assert f"(pid {pid})" in line
        assert line.endswith("s, Ctrl-C to kill now")
        assert end(up, signal.SIGINT) == 130
        assert project.survivors() == []


def test_a_backend_that_gives_up_shows_its_last_output_and_what_to_do(project: Project) -> None:
    project.write(
        "processes:\n"
        "  crasher: {command: 'echo no such module; exit 3', restart: 'no'}\n"
        "  quiet: sleep 60\n"
    )
    with project.up(ready=False):
        project.until_said("error: backend `crasher` exited with status 3")
        assert project.until_said("|     no such module")
        assert project.until_said("hint:").endswith(
            "hint: `rpx run crasher` shows more; then `rpx start crasher`"
        )
        assert project.states()["crasher"] == "failed"


def test_a_killed_backend_comes_back_with_another_pid(project: Project) -> None:
    _, port = project.copies(2)
    with project.up():
        [_, before] = project.ps()
        killed = project.rpx("kill-backend", str(port))
        assert killed.returncode == 0
        assert killed.stdout.endswith(", out of rotation, restart at once\n")
        until(project.all_ready, "ready")
        [_, after] = project.ps()
        assert (after["restarts"], after["state"]) == (1, "ready")
        assert after["pid"] != before["pid"]


def test_followed_logs_end_with_the_project(project: Project) -> None:
    project.write("processes: {clock: 'while true; do echo tick; sleep 0.1; done'}\n")
    with project.up() as up, project.begin("logs", "-f", "clock") as logs:
        assert logs.stdout is not None
        assert logs.stdout.readline() == "clock | tick\n"
        assert end(up, signal.SIGINT) == 130
        assert logs.stderr is not None
        assert set(logs.stdout) <= {"clock | tick\n"}
        assert logs.stderr.read() == "rpx: the project has ended\n"
        assert logs.wait(SOON) == 0


def test_a_closed_pipe_is_no_reason_to_die(project: Project) -> None:
    project.write("processes: {chatty: 'while true; do date; sleep 0.05; done'}\n")
    reader, writer = os.pipe()
    with project.up(ready=False, stdout=writer) as up:
        os.close(writer)
        while b"chatty ready" not in os.read(reader, 1000):
            pass
        os.close(reader)
        until(lambda: project.rpx("logs", "--tail", "50").stdout.count("\n") > 20, "lines")
        assert end(up, signal.SIGINT) == 130


def test_closed_streams_are_no_reason_to_die_either(project: Project) -> None:
    project.write("processes: {app: 'echo $0; cat; sleep 60'}")
    command = ("/bin/sh", "-c", f"exec {shlex.join(RPX)} up <&- >&- 2>&-")
    up = subprocess.Popen(command, cwd=project.folder, env=project.environment)
    try:
        until(project.all_ready, "ready")
        until(lambda: project.rpx("logs", "app").stdout == "app | /bin/sh\n", "its output")
    finally:
        assert project.rpx("down").returncode == 0
        assert up.wait(SOON) == 0


def test_services_begin_in_the_order_of_the_file(project: Project) -> None:
    names = ["delta", "alpha", "echo", "bravo", "foxtrot", "charlie"]
    project.write("processes:\n" + "".join(f"  {name}: sleep 60\n" for name in names))
    with project.up(ready=False):
        until(lambda: set(project.states().values()) == {"ready"}, "all are ready")
        begun = [line.split()[-2] for line in project.said().splitlines() if "starting" in line]
        assert begun == names
