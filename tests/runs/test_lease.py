"""One running project per rpx.yaml, with real processes as its holders."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rpx.errors import Exit, NotRunning, RpxError
from rpx.runs import lease as leases
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease, find_running, running
from rpx.runs.paths import LEASE, copy_of_lease, runtime_folder

HOLDER = """
import os, subprocess, sys
from pathlib import Path
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease
me = Identity.of(os.getpid())
with take(Lease(me, me, "run-1", "shop", Path(sys.argv[1]))) as hold:
    hold.publish("http://api.localhost:8080")
    hold.lease.socket.touch()
    child = subprocess.Popen(["sleep", "60"])  # a service: it must not inherit the lock
    print(child.pid, flush=True)
    sys.stdin.read()
child.kill()
"""


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "shop" / "rpx.yaml"
    path.parent.mkdir()
    path.touch()
    return path


Hold = Callable[[Path], subprocess.Popen[str]]


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start a process that holds the lease of a project until its stdin is closed."""
    started: list[tuple[subprocess.Popen[str], int]] = []

    def start(config: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(config)]
        holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        started.append((holder, int(holder.stdout.readline())))
        return holder

    yield start
    for holder, child in started:
        with holder:
            holder.kill()
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            pass


def mine(config: Path, run_id: str = "run-2") -> Lease:
    me = Identity.of(os.getpid())
    return Lease(me, me, run_id, "shop", config)


@pytest.mark.real
def test_a_second_run_is_refused_with_the_pid_of_the_first(config: Path, hold: Hold) -> None:
    holder = hold(config)
    with pytest.raises(RpxError, match="already running") as error, take(mine(config)):
        pass
    assert error.value.exit_code == Exit.FAILED
    assert f"(pid {holder.pid})" in str(error.value)
    assert "`rpx down`" in str(error.value)


@pytest.mark.real
def test_the_lease_of_a_killed_run_is_taken_over_and_names_its_run(
    config: Path, hold: Hold
) -> None:
    holder = hold(config)
    holder.kill()
    holder.wait()
    assert running(config) is None
    with take(mine(config)) as held:
        assert held.crashed is not None
        assert (held.crashed.run_id, held.crashed.supervisor.pid) == ("run-1", holder.pid)
        assert not held.lease.socket.exists()  # the stale one


@pytest.mark.real
def test_a_run_that_ended_in_order_leaves_nothing_to_recover(config: Path, hold: Hold) -> None:
    hold(config).communicate()
    with take(mine(config)) as held:
        assert held.crashed is None


@pytest.mark.real
def test_a_running_project_is_found_from_any_folder_below_it(config: Path, hold: Hold) -> None:
    holder = hold(config)
    deep = config.parent / "a" / "b"
    deep.mkdir(parents=True)
    found = find_running(deep)
    assert (found.supervisor.pid, found.url) == (holder.pid, "http://api.localhost:8080")
    assert found.supervisor.alive


@pytest.mark.real
def test_a_running_project_is_found_when_its_file_is_broken_or_gone(
    config: Path, hold: Hold
) -> None:
    hold(config)
    config.write_text("{{{")
    assert find_running(config.parent).run_id == "run-1"
    config.unlink()
    assert find_running(config.parent).run_id == "run-1"
    assert find_running(Path("/"), config).run_id == "run-1"


@pytest.mark.real
def test_links_to_the_same_file_are_the_same_project(
    config: Path, hold: Hold, tmp_path: Path
) -> None:
    hold(config)
    (tmp_path / "link").symlink_to(config.parent)
    assert find_running(Path("/"), tmp_path / "link" / "rpx.yaml").run_id == "run-1"


def test_the_nearest_file_decides_even_if_one_above_it_runs(config: Path) -> None:
    inner = config.parent / "inner" / "rpx.yaml"
    inner.parent.mkdir()
    inner.touch()
    with (
        take(mine(config)),
        pytest.raises(NotRunning, match=r"inner is not running \(.*inner/rpx.yaml\)"),
    ):
        find_running(inner.parent)


def test_nothing_running_has_its_own_exit_code_and_a_hint(config: Path) -> None:
    with pytest.raises(NotRunning) as error:
        find_running(config.parent)
    assert error.value.exit_code == Exit.NOT_RUNNING
    assert "hint: start it: `rpx up`" in str(error.value)


def test_a_folder_outside_of_any_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotRunning, match=r"there is no rpx.yaml in"):
        find_running(tmp_path)


def test_a_run_that_fails_lets_go_of_its_lease(config: Path) -> None:
    def fail() -> None:
        with take(mine(config)):
            raise RpxError("the port is taken")

    for _ in range(2):
        with pytest.raises(RpxError, match="the port is taken"):
            fail()


def test_somebody_who_only_looks_does_not_stand_in_the_way(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with take(mine(config)):
        pass
    fd = os.open(runtime_folder(config) / LEASE, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    looking = [fd]

    def sleep(_: float) -> None:
        """The look is over between our first try and the second."""
        os.close(looking.pop())

    monkeypatch.setattr("time.sleep", sleep)
    with take(mine(config)) as held:
        assert held.crashed is None
    assert not looking


def test_a_lease_that_was_written_by_nobody_we_know_is_as_good_as_none(config: Path) -> None:
    with take(mine(config)):
        pass
    for content in (b"\0\xff", b"{}", b'{"supervisor": 1}', b"[]", b"{" * 60_000):
        (runtime_folder(config) / LEASE).write_bytes(content)
        with take(mine(config)) as held:
            assert held.crashed is None


def test_a_lease_file_that_was_replaced_while_we_waited_is_not_trusted(config: Path) -> None:
    with take(mine(config)):
        path = runtime_folder(config) / LEASE
        path.rename(path.with_name("elsewhere"))
        path.touch(0o600)
        copy_of_lease(config).unlink()
        assert running(config) is None


def test_a_number_without_its_start_time_is_nobody() -> None:
    me = Identity.of(os.getpid())
    assert me.alive
    assert not Identity(me.pid, me.created - 60).alive
    assert not Identity(2**22 + 1, time.time()).alive


def test_a_run_is_listed_in_the_surroundings_that_can_find_it(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    with take(mine(config)):
        content = (runtime_folder(config) / LEASE).read_bytes()
        assert [each.config for each in leases.all_running()] == [config]
        with monkeypatch.context() as elsewhere:
            elsewhere.setenv("XDG_RUNTIME_DIR", str(other))
            assert leases.all_running() == []
    (runtime_folder(config) / LEASE).write_bytes(content)
    assert [each.config for each in leases.crashed_runs()] == [config]
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(other))
    assert leases.crashed_runs() == []
