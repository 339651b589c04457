"""Whose process is it? Real ones, with names, environments and numbers that mislead."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from rpx.backend import processes
from rpx.backend.port_holder import PortOwner, described, port_owner, user_at
from rpx.model.address import Address, SocketFile

pytestmark = pytest.mark.real

LISTEN = (
    "import socket, sys, time; it = socket.create_server(('127.0.0.1', 0));"
    "print(it.getsockname()[1], flush=True); time.sleep(60)"
)


def run() -> str:
    """The name of a run that no other worker has."""
    return f"r{os.getpid()}"


Launch = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start a process that ends with the test, and everything in its group with it."""
    with ExitStack() as stack:

        def begin(*command: str, marker: str = "", **options: object) -> subprocess.Popen[bytes]:
            env = {**os.environ, **({"RPX_INSTANCE": marker} if marker else {})}
            given: dict[str, object] = {"env": env, "start_new_session": True, **options}
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.PIPE, **given)  # type: ignore[call-overload]
            )
            stack.callback(end, process)
            return process  # type: ignore[no-any-return]

        yield begin
    for left in processes.marked(run()):  # those that left the group of their leader
        processes.send(left, signal.SIGKILL)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # not reaped, so the number is its own
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def said(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pids(found: list[psutil.Process]) -> set[int]:
    return {process.pid for process in found}


# ---------------------------------------------------------------- identity


def test_a_process_is_itself_until_it_ends(launch: Launch) -> None:
    process = launch("sleep", "60")
    who = processes.identity(process.pid)
    assert who is not None
    assert processes.identity(process.pid) == who
    process.kill()
    process.wait()
    assert processes.identity(process.pid) != who


def test_a_zombie_is_not_alive_and_still_has_its_number(launch: Launch) -> None:
    process = launch("true")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    who = processes.identity(process.pid)
    assert who is not None
    assert not processes.is_running(psutil.Process(process.pid))


def test_nobody_has_a_number_that_is_free(launch: Launch) -> None:
    process = launch("true")
    process.wait()
    assert processes.identity(process.pid) is None


def test_a_signal_reaches_nobody_who_has_got_the_number_since(launch: Launch) -> None:
    successor = launch("sleep", "60")
    predecessor = psutil.Process(successor.pid)
    predecessor._ident = (successor.pid, 0)  # type: ignore[attr-defined]
    assert not processes.send(predecessor, signal.SIGKILL)
    assert successor.poll() is None
    assert processes.send(psutil.Process(successor.pid), signal.SIGKILL)
    assert successor.wait() == -signal.SIGKILL


def test_a_signal_to_one_who_has_gone_is_no_error(launch: Launch) -> None:
    process = launch("sleep", "60")
    known = psutil.Process(process.pid)
    process.kill()
    process.wait()
    assert not processes.send(known, signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_name_made_to_mislead_misleads_nobody(launch: Launch, tmp_path: Path) -> None:
    odd = tmp_path / "a) Z 1 1 (\n"
    odd.symlink_to("/bin/sleep")
    process = launch(str(odd), "60")
    who = processes.identity(process.pid)
    assert who is not None
    assert processes.identity(process.pid) == who
    assert pids(processes.members(process.pid, None)) == {process.pid}


# ---------------------------------------------------------------- members


def test_the_members_are_the_session_and_who_bears_the_marker(launch: Launch) -> None:
    script = "sleep 61 & setsid sleep 62 & echo 1; wait"
    leader = launch("sh", "-c", script, marker=f"{run()}.1")
    stranger = launch("sleep", "60", marker=f"{run()}.11")
    said(leader)
    until(lambda: len(processes.members(leader.pid, f"{run()}.1")) == 3)
    assert stranger.pid not in pids(processes.members(leader.pid, f"{run()}.1"))


def test_a_child_without_marker_and_session_still_has_its_parent(launch: Launch) -> None:
    leader = launch("sh", "-c", "env -i setsid sleep 60 & echo $!; wait", marker=f"{run()}.2")
    child = psutil.Process(said(leader))
    try:
        until(lambda: child.name() == "sleep" and os.getsid(child.pid) == child.pid)
        assert child.pid in pids(processes.members(leader.pid, f"{run()}.2"))
    finally:
        child.kill()


def test_a_run_finds_what_it_left_behind_and_nothing_else(launch: Launch) -> None:
    ours = {launch("sleep", "60", marker=f"{run()}.{number}").pid for number in (3, 33)}
    launch("sleep", "60", marker=f"{run()}3.3")
    launch("sleep", "60", marker=f"x{run()}.3")
    until(lambda: pids(processes.marked(run())) == ours)


def test_the_process_that_asks_is_never_among_them(launch: Launch) -> None:
    assert os.getpid() not in pids(processes.members(os.getsid(0), None))


# ---------------------------------------------------------------- ports


def test_the_listener_is_found_behind_a_shell(launch: Launch) -> None:
    leader = launch("sh", "-c", f'{sys.executable} -c "{LISTEN}"; :', marker=f"{run()}.4")
    port = said(leader)
    by_session = processes.listener(Address("localhost", port), processes.members(leader.pid, None))
    assert by_session is not None
    assert by_session.pid != leader.pid
    assert (
        processes.listener(Address("localhost", port), processes.members(None, f"{run()}.4"))
        == by_session
    )


@pytest.mark.parametrize("relative", [False, True])
def test_the_one_behind_a_unix_socket_is_found(
    launch: Launch, tmp_path: Path, *, relative: bool
) -> None:
    path = tmp_path / "s"
    bound = os.path.relpath(path) if relative else str(path)
    code = (
        f"import socket; s = socket.socket(1); s.bind({bound!r}); s.listen(); print(1, flush=True)"
    )
    code += "; s.accept()"
    leader = launch("sh", "-c", f'{sys.executable} -c "{code}"; :', marker=f"{run()}.7")
    said(leader)
    members = processes.members(leader.pid, None)
    found = processes.listener(SocketFile(str(path), "s"), members)
    assert found is not None
    assert found.pid != leader.pid
    assert processes.listener(SocketFile(str(tmp_path / "other"), "s"), members) is None


def test_a_listener_of_somebody_else_is_not_ours(launch: Launch) -> None:
    leader = launch("sleep", "60", marker=f"{run()}.5")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert (
            processes.listener(Address("localhost", port), processes.members(leader.pid, None))
            is None
        )


def test_the_owner_of_a_port_is_named_with_its_instance(launch: Launch) -> None:
    process = launch(sys.executable, "-c", LISTEN, marker=f"{run()}.6")
    port = said(process)
    owner = port_owner(port, ["localhost"])
    assert owner is not None
    assert (owner.pid, owner.instance) == (process.pid, f"{run()}.6")
    assert owner.address == Address("127.0.0.1", port)
    assert "python" in owner.name
    assert "create_server" in owner.cmdline


@pytest.mark.parametrize(
    ("bound", "hosts", "collides"),
    [
        ("127.0.0.1", ["127.0.0.1"], True),
        ("127.0.0.1", ["0.0.0.0"], True),
        ("0.0.0.0", ["127.0.0.1"], True),
        ("127.0.0.1", ["127.0.0.2"], False),
        ("127.0.0.1", ["::1"], False),
    ],
)
def test_only_an_address_that_collides_counts(bound: str, hosts: list[str], collides: bool) -> None:
    with socket.create_server((bound, 0)) as other:
        owner = port_owner(other.getsockname()[1], hosts)
    assert (owner is not None) == collides


def test_a_free_port_has_no_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert port_owner(port, ["localhost"]) is None


def test_descendants_are_found_below_whatever_thread_has_begun_them(launch: Launch) -> None:
    # A shell, its child, and that child's child, which a thread begins that is not the first.
    inner = (
        "import subprocess, threading, time;"
        "threading.Thread(target=lambda: (print(subprocess.Popen(['sleep', '60']).pid, flush=True),"
        " time.sleep(60)), daemon=True).start(); time.sleep(60)"
    )
    shell = launch("/bin/sh", "-c", f'{sys.executable} -c "{inner}"; :')
    grandchild = said(shell)
    found = processes.descendants(shell.pid)
    if sys.platform != "linux":
        assert found == {shell.pid}
        return
    assert {shell.pid, grandchild} < found
    assert len(found) == 3
    assert processes.descendants(None) == set()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table of sockets")
def test_whose_a_port_is_can_be_said_of_everybody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert user_at(port) == pwd.getpwuid(os.getuid()).pw_name
    assert user_at(port) == ""
    there = Address("127.0.0.1", 80)
    assert described(PortOwner(there, user="bob")) == "another user's process (of `bob`)"
    assert described(PortOwner(there)) == "another user's process"
