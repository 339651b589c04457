"""The table that guardian and supervisor share, and the end of what is in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from rpx.backend import sessions
from rpx.backend.sessions import Sessions, end_sessions

SCRIPT = r"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setpgid(0, 0)
    print(os.getpid(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def session() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, with a child in a group of its own, both deaf."""
    process = subprocess.Popen(
        (sys.executable, "-c", SCRIPT), stdout=subprocess.PIPE, start_new_session=True
    )
    yield process
    table = Sessions()
    table.add(process.pid)
    end_sessions(table, 5)
    with process:
        pass


def test_what_is_removed_makes_room() -> None:
    table = Sessions()
    for pid in range(1, sessions.SLOTS + 2):  # one too many
        table.add(pid)
    assert len(list(table)) == sessions.SLOTS
    table.remove(7)
    table.remove(sessions.SLOTS + 1)  # it had not found a place
    table.add(99_999)
    assert set(table) == set(range(1, sessions.SLOTS + 1)) - {7} | {99_999}


def test_the_parent_of_a_fork_sees_what_the_child_has_written() -> None:
    table = Sessions()
    pid = os.fork()
    if pid == 0:
        table.add(4711)
        os._exit(0)
    os.waitpid(pid, 0)
    assert list(table) == [4711]


@pytest.mark.real
def test_all_of_a_session_ends_whatever_group_it_is_in(session: subprocess.Popen[bytes]) -> None:
    assert session.stdout is not None
    child = int(session.stdout.readline())
    assert os.getpgid(child) == child
    table = Sessions()
    table.add(session.pid)
    assert end_sessions(table, 5) == []
    assert session.wait(5) == -signal.SIGKILL
    assert child not in sessions._living()


@pytest.mark.real
def test_others_are_left_alone(session: subprocess.Popen[bytes]) -> None:
    table = Sessions()
    table.add(2**30)
    assert end_sessions(table, 0.1) == []
    assert session.poll() is None


@pytest.mark.real
@pytest.mark.skipif(shutil.which("ps") is None, reason="ps is not here")
def test_ps_lists_what_lives_as_on_other_systems(session: subprocess.Popen[bytes]) -> None:
    command = ("ps", "-A", "-o", "pid=,stat=")
    zombie = subprocess.Popen((sys.executable, "-c", ""))
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    listed = sessions._listed(command)
    assert {os.getpid(), session.pid} <= set(listed)
    assert zombie.pid not in listed
    zombie.wait()
