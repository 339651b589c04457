"""The process of the door by itself: what it loads, how it begins and ends."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rpx.cli.supervisor import at_the_door
from rpx.door import starting
from rpx.door.roster import read_roster
from rpx.door.starting import DoorPlace, connect, start_door, take_lock
from tests.support.doors import PATIENCE, DoorOfTest, FakeMember, ask, members, read_all, until

pytestmark = pytest.mark.real
ROOT = Path(__file__).parent.parent.parent
LARGEST = 15 * 1024  # KB of memory


def modules_after(program: str) -> set[str]:
    """What is loaded in an interpreter like that of the door after this."""
    program = f"import sys; sys.path.append({str(ROOT)!r}); {program}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_the_process_loads_nothing_large() -> None:
    loaded = modules_after("import rpx.door.door_process")
    assert not loaded & {"ssl", "trio", "asyncio", "click", "pydantic", "subprocess", "pathlib"}
    assert not loaded & {"dataclasses", "typing", "inspect", "traceback", "rpx.errors"}
    pages = modules_after("import rpx.door.answering_here")
    assert not pages & {"ssl", "trio", "asyncio", "click", "hpack", "html", "html.entities"}


def test_it_has_at_most_15_mb_also_after_it_has_shown_a_page(door: DoorOfTest) -> None:
    pid = door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        assert ask(door.http, "api.localhost").text == "shop"
        assert ask(door.http, "localhost", "Accept: text/html").status == 200
        status = Path(f"/proc/{pid}/status").read_text()
        assert int(status.partition("VmRSS:")[2].split()[0]) < LARGEST


def test_of_many_who_start_a_door_at_once_one_does(door: DoorOfTest) -> None:
    locks = [take_lock(door.place) for _ in range(5)]
    (lock,) = [each for each in locks if each is not None]
    start_door(door.place, lock, options=door.options)
    first = door.pid()
    assert take_lock(door.place) is None
    assert door.start() == first


def test_it_is_nobodys_child_and_has_a_session_of_its_own(door: DoorOfTest) -> None:
    pid = door.start()
    assert os.getsid(pid) not in {os.getsid(0), 0}
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_it_holds_no_pipe_of_who_has_started_it(door: DoorOfTest) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    door.start()
    os.close(write)
    with open(read, "rb") as pipe, members(FakeMember(door, "shop", "api.localhost").joined()):
        assert select.select([pipe], [], [], PATIENCE)[0], "somebody may still write to it"
        assert pipe.read() == b""


def test_it_ends_after_the_last_member_has_gone_and_leaves_no_socket(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        shop.leave()
        until(lambda: read_roster(door.place) is None, "its end")
    assert not door.place.socket.exists()
    assert connect(door.place) is None


def test_a_socket_and_a_lock_that_a_crash_has_left_are_in_nobodys_way(door: DoorOfTest) -> None:
    door.start()
    shop = FakeMember(door, "shop", "api.localhost", rejoins=False).joined()
    with members(shop):
        door.kill()
        until(lambda: read_roster(door.place) is None, "its end")
    assert door.place.socket.exists()
    assert connect(door.place) is None
    door.start()
    blog = FakeMember(door, "blog", "api.localhost").joined()
    with members(blog):
        assert ask(door.http, "api.localhost").text == "blog"


def test_a_door_that_takes_nobody_is_not_waited_for(door: DoorOfTest) -> None:
    door.place.folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stopped, contextlib.ExitStack() as stack:
        stopped.bind(str(door.place.socket))
        stopped.listen(1)
        for _ in range(10):
            sock = connect(door.place)
            if sock is None:
                break
            stack.enter_context(sock)
        assert connect(door.place) is None


def test_an_interpreter_that_has_gone_is_an_error_and_frees_the_lock(
    door: DoorOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = take_lock(door.place)
    assert lock is not None
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(FileNotFoundError, match="/nowhere/python is not there"):
            start_door(door.place, lock)
    assert take_lock(door.place) is not None


def test_a_second_door_for_one_lock_ends_at_once(door: DoorOfTest) -> None:
    door.start()
    command = [sys.executable, "-I", "-S", str(ROOT / "rpx/door/__main__.py")]
    second = subprocess.run(
        [*command, str(door.place.folder), str(door.place.state)], check=False, timeout=30
    )
    assert second.returncode == 3


@pytest.mark.skipif(shutil.which("systemd-socket-activate") is None, reason="no systemd here")
def test_systemd_starts_it_for_whoever_comes_and_keeps_its_path(
    door: DoorOfTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the units of `rpx setup --always-on` do."""
    place = door.place
    place.folder.mkdir(parents=True, mode=0o700)
    place.state.mkdir()
    main = str(ROOT / "rpx/door/__main__.py")
    words = [sys.executable, "-I", "-S", main, *map(str, place), "--wait", "--stay", "0.1"]
    listen = ["-l", str(place.socket), "-l", f"127.0.0.1:{door.http}"]
    process = subprocess.Popen(
        ["systemd-socket-activate", *listen, *words], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        assert "Listening" in process.stderr.readline()
        monkeypatch.setattr(at_the_door, "door_place", lambda: place)
        at_the_door.begin_door()  # as `rpx up` does: it finds that somebody listens
        assert door.pid() == process.pid
        shop = FakeMember(door, "shop", "api.localhost").joined()
        assert ask(door.http, "api.localhost").text == "shop"
        shop.leave()
        assert process.wait(30) == 0
        assert place.socket.exists()
    finally:
        process.kill()
        process.communicate()


def test_systemds_listeners_become_the_machines_ports(door: DoorOfTest, tmp_path: Path) -> None:
    """sd_listen_fds(3): descriptors from 3 on, and whose they are in LISTEN_PID."""
    place = DoorPlace(tmp_path / "systemd" / "door", tmp_path / "state")
    take = take_lock(place)
    assert take is not None
    os.close(take)
    program = (
        "import os, socket, sys\n"
        "socks = [socket.create_server(('127.0.0.1', 0)) for _ in range(2)]\n"
        "unix = socket.socket(socket.AF_UNIX); unix.bind(sys.argv[1]); unix.listen()\n"
        "for n, s in enumerate([*socks, unix]): os.dup2(os.dup(s.fileno()), 30 + n)\n"
        "os.closerange(3, 30)\n"
        "for n in range(3): os.dup2(30 + n, 3 + n)\n"
        "os.environ |= {'LISTEN_PID': str(os.getpid()), 'LISTEN_FDS': '3'}\n"
        "os.execv(sys.executable, [sys.executable, '-I', '-S', *sys.argv[2:]])\n"
    )
    main = str(ROOT / "rpx/door/__main__.py")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(place.socket), main, *map(str, place)]
    )
    try:
        until(lambda: read_roster(place) is not None, "the door")
        roster = read_roster(place)
        assert roster is not None
        assert roster.http
        assert roster.https > roster.http
        assert ask(roster.http, "localhost").status == 200
    finally:
        process.kill()
        process.wait()


def test_a_door_whose_package_has_been_replaced_gives_way_to_one_that_is_whole(
    door: DoorOfTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "old"
    shutil.copytree(ROOT / "rpx", old / "rpx", ignore=shutil.ignore_patterns("__pycache__"))
    with monkeypatch.context() as patch:
        patch.setattr(starting, "_MAIN", old / "rpx/door/__main__.py")
        first = door.start()
    shop = FakeMember(door, "shop", "api.localhost").joined()
    with members(shop):
        (old / "rpx/http/machine_page.py").write_text("")  # what pages are made of is of another
        with socket.create_connection(("127.0.0.1", door.http), PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_all(client) == b""
        until(lambda: shop.welcomes == 2, "the next one")
        assert door.pid() != first
        assert ask(door.http, "localhost").status == 200
