"""Leaving nothing behind: Ctrl-C, signals, kill -9 of rpx's own processes, closed terminals."""

from __future__ import annotations

import concurrent.futures
import os
import pty
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.project import (
    RPX,
    SOON,
    Process,
    Project,
    free_ports,
    pids_said,
    supervisor,
    until,
)

pytestmark = pytest.mark.real

FAMILY = """
processes:
  family:
    command: PYTHON APPS/forks.py
    env: {DEAF: 1}
    stop_grace_period: 1s
  deaf:
    command: PYTHON APPS/ignore_term.py
    stop_grace_period: 1s
"""
NAMES = ("leader", "child", "grandchild", "daemon")


def family(project: Project) -> dict[str, int]:
    """Wait until every process of FAMILY has told its pid."""
    found = until(
        lambda: len(pids := pids_said(project.said(), *NAMES)) == 4 and pids, "the family"
    )
    project.until_said("ignores")
    assert isinstance(found, dict)
    return found


def rpx_processes(process: Process) -> tuple[int, int]:
    """Return the pids of guardian and supervisor."""
    return process.pid, supervisor(process).pid


def test_ctrl_c_ends_a_family_that_is_deaf_forks_twice_and_has_sessions_of_its_own(
    project: Project,
) -> None:
    project.write(FAMILY)
    with project.up() as process:
        family(project)
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) == 130
        assert project.survivors() == []
    assert "waiting for deaf" in project.said()
    assert "SIGKILL in" in project.said()


def test_a_second_ctrl_c_kills_now(project: Project) -> None:
    project.write(FAMILY.replace("1s", "60s"))
    with project.up() as process:
        family(project)
        process.send_signal(signal.SIGINT)
        project.until_said("waiting for deaf")
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) == 130  # of a grace period of 60 s
        assert project.survivors() == []


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_to_the_whole_group_is_one_request_to_end(
    project: Project, signum: int, code: int
) -> None:
    project.write("processes: {app: {command: PYTHON APPS/ignore_term.py, stop_grace_period: 1s}}")
    with project.up() as process:
        project.until_said("ignores")
        began = time.monotonic()
        os.killpg(process.pid, signum)
        assert process.wait(SOON) == code
        assert time.monotonic() - began > 0.9  # the grace period was kept
        assert project.survivors() == []


@pytest.mark.parametrize("victim", ["supervisor", "guardian"])
def test_kill_9_of_one_of_rpx_s_own_processes_leaves_nothing(project: Project, victim: str) -> None:
    project.write(FAMILY.replace("1s", "60s"))
    with project.up() as process:
        family(project)
        guardian, below = rpx_processes(process)
        os.kill(below if victim == "supervisor" else guardian, signal.SIGKILL)
        # Long before the grace period of 60 s is over.
        until(lambda: project.survivors() == [], f"{project.survivors()}")
        assert process.wait(SOON) in (-signal.SIGKILL, 128 + signal.SIGKILL)


@pytest.mark.parametrize("victim", ["supervisor", "guardian"])
def test_without_the_calls_of_linux_nothing_is_left_that_has_kept_its_session(
    project: Project, victim: str
) -> None:
    project.linux = False
    project.write(FAMILY.replace("1s", "60s"))
    with project.up() as process:
        daemon = family(project)["daemon"]
        guardian, below = rpx_processes(process)
        os.kill(below if victim == "supervisor" else guardian, signal.SIGKILL)
        left = {daemon} if victim == "supervisor" else set[int]()
        until(lambda: {p.pid for p in project.survivors()} <= left, f"{project.survivors()}")
        assert process.wait(SOON) in (-signal.SIGKILL, 128 + signal.SIGKILL)
        if victim == "supervisor":
            with project.up():  # finds it by its marker
                assert "ended 1 of its processes" in project.said()
                until(lambda: not lives(daemon), "the daemon has gone")


def lives(pid: int) -> bool:
    """Not a zombie: who is to reap those of others may take its time, or never do."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def killed_whole(process: Process) -> None:
    """Kill supervisor and guardian, so that neither can end anything.

    In this order: at the end of the guardian the kernel continues a stopped supervisor with a
    SIGHUP (its process group is orphaned then), and it would end everything in order.
    """
    guardian, below = rpx_processes(process)
    os.kill(guardian, signal.SIGSTOP)
    os.kill(below, signal.SIGKILL)
    until(lambda: psutil.Process(below).status() == psutil.STATUS_ZOMBIE, "the supervisor is dead")
    os.kill(guardian, signal.SIGKILL)
    process.wait(SOON)


def test_a_run_that_was_killed_whole_is_swept_by_the_next(project: Project) -> None:
    project.write(FAMILY)
    with project.up() as process:
        pids = family(project)
        killed_whole(process)
        assert psutil.pid_exists(pids["daemon"])
        with project.up():
            assert "did not end in order" in project.said()
            until(lambda: not lives(pids["daemon"]), "the daemon has gone")
            assert project.ps()


def test_down_ends_what_a_run_has_left_that_was_killed_whole(project: Project) -> None:
    project.write(FAMILY)
    with project.up() as process:
        family(project)
        killed_whole(process)
        down = project.rpx("down")
        assert down.returncode == 0, down.stderr
        assert re.fullmatch(
            r"rpx: an earlier run \(pid \d+\) did not end in order: ended \d+ of its processes\n",
            down.stderr,
        )
        assert project.survivors() == []
        assert project.rpx("down").returncode == 3


def test_any_up_ends_what_was_left_in_a_folder_that_is_gone(
    project: Project, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "rpx.yaml").write_text("processes: {app: sleep 60}")
    project.write("processes: {other: sleep 60}")
    with project.up("-f", str(shop / "rpx.yaml"), ready=False) as process:
        until(lambda: " app ready (pid " in project.said(), "it runs")
        killed_whole(process)
        [app] = project.survivors()
        shop.rename(tmp_path / "moved")
        with project.up():
            until(lambda: not lives(app.pid), "it has gone")


def test_in_a_folder_that_was_moved_it_is_said_how_to_stop_what_runs(
    project: Project, tmp_path: Path
) -> None:
    shop = tmp_path / "shop"
    shop.mkdir()
    (shop / "rpx.yaml").write_text("processes: {app: sleep 60}")
    with project.up("-f", str(shop / "rpx.yaml"), ready=False):
        until(lambda: " app ready (pid " in project.said(), "it runs")
        shop.rename(tmp_path / "moved")
        down = project.rpx("down", "-f", "moved/rpx.yaml")
        assert down.returncode == 3
        assert f"or stop `shop`, whose folder is gone: `rpx down -f {shop}/rpx.yaml`" in down.stderr
        assert project.rpx("down", "-f", f"{shop}/rpx.yaml").returncode == 0


def test_closing_the_terminal_stops_everything(project: Project) -> None:
    project.write(FAMILY)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.folder)
        os.execvpe(RPX[0], (*RPX, "up"), project.environment)  # noqa: S606 - it is rpx itself
    os.set_blocking(terminal, False)
    said = bytearray()

    def up() -> bool:
        with suppress(BlockingIOError):
            said.extend(os.read(terminal, 65536))
        return b"ignores" in said and b"daemon" in said

    until(up, f"up, in {said!r}")
    assert b"\x1b[" in said  # on a terminal there are colours
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (129, -signal.SIGHUP)
    until(lambda: project.survivors() == [], f"{project.survivors()}")


def test_ctrl_c_typed_at_a_terminal_is_one_request_and_the_next_one_kills(
    project: Project,
) -> None:
    project.write(
        "processes: {deaf: {command: PYTHON APPS/ignore_term.py, stop_grace_period: 60s}}"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(project.folder)
        os.execvpe(RPX[0], (*RPX, "up"), project.environment)  # noqa: S606 - it is rpx itself
    os.set_blocking(terminal, False)
    said = bytearray()

    def has_said(text: bytes) -> bool:
        with suppress(OSError):
            said.extend(os.read(terminal, 65536))
        return text in said

    until(lambda: has_said(b"ignores"), f"up, in {said!r}")
    os.write(terminal, b"\x03")
    until(lambda: has_said(b"s, Ctrl-C to kill now"), f"waiting, in {said!r}")
    assert re.search(rb"SIGKILL in 5\ds, Ctrl-C to kill now", said)
    os.write(terminal, b"\x03")
    _, status = until(lambda: (ended := os.waitpid(pid, os.WNOHANG))[0] and ended, "its end")
    assert os.waitstatus_to_exitcode(status) == 130
    os.close(terminal)
    assert project.survivors() == []


def test_a_request_under_way_is_answered_before_rpx_goes(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\nstart: PYTHON APPS/ok.py",
        PORT_A=str(port),
    )
    with project.up() as process, concurrent.futures.ThreadPoolExecutor() as pool:
        answer = pool.submit(project.get, "api.localhost", "/until?file=enough")
        until(lambda: project.ps()[0]["in_flight"] == 1, "in flight")
        process.send_signal(signal.SIGINT)
        project.until_said("stopping: ")
        (project.folder / "enough").touch()
        assert answer.result().status_code == 200
        assert answer.result().headers["connection"] == "close"
        assert process.wait(SOON) == 130


def test_down_ends_the_run_and_waits_for_it(project: Project) -> None:
    project.write("processes: {app: sleep 60}")
    with project.up() as process:
        assert project.rpx("down").returncode == 0
        assert process.wait(SOON) == 0
        assert project.rpx("down").returncode == 3


def test_ctrl_c_works_while_a_backend_never_becomes_ready(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\nstart: sleep 60",
        PORT_A=str(port),
    )
    with project.up(ready=False) as process:
        project.until_said("starting")
        process.send_signal(signal.SIGINT)
        assert process.wait(SOON) == 130


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", sys.argv[1]], {})
    os._exit(0)
os.wait()
print("daemon is away", flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="no mark that stays")
def test_a_daemon_without_session_parent_and_environment_is_still_its_services(
    project: Project,
) -> None:
    project.write(DAEMON)
    (project.folder / "rpx.yaml").rename(project.folder / "daemon.py")
    names = {name: f"6{number}{project.http_port}" for number, name in enumerate(("one", "two"))}
    project.write("processes:\n" + "".join(
        f"  {name}: PYTHON daemon.py {seconds}\n" for name, seconds in names.items()
    ))  # fmt: skip

    def daemons() -> dict[str, psutil.Process]:
        found = {" ".join(each.info["cmdline"] or ()): each for each in processes()}
        return {name: found[f"sleep {s}"] for name, s in names.items() if f"sleep {s}" in found}

    def processes() -> list[psutil.Process]:
        return list(psutil.process_iter(["cmdline"]))

    with project.up() as process:
        until(lambda: set(daemons()) == {"one", "two"}, "both are away")
        project.rpx("stop", "one")
        assert set(daemons()) == {"two"}
        project.rpx("start", "one")
        until(lambda: set(daemons()) == {"one", "two"}, "it is back")
        guardian, other = rpx_processes(process)
        os.kill(guardian, signal.SIGSTOP)  # else it might sweep in the moment between the two
        os.kill(other, signal.SIGKILL)
        os.kill(guardian, signal.SIGKILL)
        process.wait()
        assert "two" in daemons()
        project.rpx("down")
        until(lambda: not daemons(), "what was left has been found")
