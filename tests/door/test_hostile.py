"""A real door and those who are slow, silent, malformed, too many, hung, or not who they say."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.door.door_frames import HELLO, MOST, STATE, TAKE, frame, json_frame
from tests.support.doors import (
    PATIENCE,
    Answer,
    DoorOfTest,
    FakeMember,
    ask,
    members,
    raw,
    read_all,
    until,
)

pytestmark = pytest.mark.real
GET = b"GET / HTTP/1.1\r\nHost: blog.localhost\r\nConnection: close\r\n\r\n"


def cpu(pid: int) -> float:
    """Seconds that a process has had of a core."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.fixture(scope="module")
def door_of_two(one_door: DoorOfTest) -> Iterator[DoorOfTest]:
    """A door with two members, as nothing else tells one from another."""
    one_door.start()
    blog = FakeMember(one_door, "blog", "blog.localhost").joined()
    other = FakeMember(one_door, "other", "other.localhost").joined()
    with members(blog, other):
        yield one_door


@pytest.mark.parametrize(
    ("data", "status", "why"),
    [
        (b"\x00\x01\x02\r\n\r\n", 400, "does not begin with a method"),
        (b"GET /\r\n\r\n", 400, "not a method, a target and a version"),
        (b"GET / HTTP/1.1\r\n\r\n", 400, "no Host"),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "not a host name"),
        (b"GET / HTTP/1.1\r\nHost : blog.localhost\r\n\r\n", 400, "whitespace before its colon"),
        (b"GET / HTTP/1.1\nHost: nobody.test\n\n", 400, "line end that isn't CRLF"),
        (b"GET / HTTP/3.0\r\nHost: nobody.test\r\n\r\n", 505, "HTTP/1.1 and HTTP/1.0"),
        (b"CONNECT nobody.test:443 HTTP/1.1\r\nHost: nobody.test\r\n\r\n", 501, "CONNECT"),
        (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\n", 414, "longer than"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70000, 431, "larger than 65536"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 101, 431, "more than 100 field lines"),
        (b"x" * 100, 501, "longer than 64"),
    ],
)
def test_what_is_malformed_is_refused_in_the_words_of_rpx_and_never_hangs(
    door_of_two: DoorOfTest, data: bytes, status: int, why: str
) -> None:
    answer = raw(door_of_two.http, data)
    assert answer.status == status
    assert why in answer.text
    assert "Connection: close" in answer.head
    pieces = [data[at : at + 50] for at in range(0, len(data), 50)]
    with contextlib.suppress(ConnectionError):  # it is refused before the last of them
        assert raw(door_of_two.http, *pieces).status in {0, status}


def test_a_dribbled_head_reaches_its_project_byte_by_byte(door: DoorOfTest) -> None:
    door.start()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(blog):
        head = GET.replace(b"Host", b"X-Before: %b\r\nHost" % (b"z" * 3000))
        for data, size in ((GET, 1), (head, 7), (head, 1000)):
            pieces = [data[at : at + size] for at in range(0, len(data), size)]
            assert raw(door.http, *pieces, pause=0.0001).text == "blog"


def test_who_stops_within_a_head_costs_nothing_and_is_told(
    door: DoorOfTest,
) -> None:
    """And who says nothing is waited for much longer: browsers connect in advance."""
    door.options = (*door.options, "--patience", "1")
    pid = door.start()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    began = time.monotonic()
    with members(blog), contextlib.ExitStack() as stack:
        silent, half, hello = (
            stack.enter_context(socket.create_connection(("127.0.0.1", door.http), PATIENCE))
            for _ in range(3)
        )
        half.sendall(b"GET / HTTP/1.1\r\nHost: blog.loc")
        hello.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert ask(door.http, "blog.localhost").text == "blog"
        before = cpu(pid)
        answer = Answer(read_all(half))
        assert answer.status == 408
        assert read_all(hello) == b""
        assert time.monotonic() - began > 0.9
        assert cpu(pid) - before < 2  # it doesn't look again and again
        silent.sendall(GET)
        assert Answer(read_all(silent)).text == "blog"


def test_a_project_that_hangs_keeps_its_own_clients_waiting_and_nobody_elses(
    door: DoorOfTest,
) -> None:
    pid = door.start()
    hung = FakeMember(door, "hung", "hung.localhost").joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(hung, blog), contextlib.ExitStack() as stack:
        hung.hung.set()
        told = 0
        clients: list[socket.socket] = []
        request = GET.replace(b"blog", b"hung")
        while not told:
            assert len(clients) < 1500
            for _ in range(50):
                sock = socket.create_connection(("127.0.0.1", door.http), PATIENCE)
                clients.append(stack.enter_context(sock))
                sock.sendall(request)
            assert ask(door.http, "blog.localhost").text == "blog"
            sock = clients[-1]
            sock.settimeout(0.1)
            with contextlib.suppress(TimeoutError):
                answer = Answer(read_all(sock))
                told = answer.status
                assert f"pid {os.getpid()}" in answer.text
        assert told == 503
        assert len(clients) > 200  # it may well be only busy
        hung.kill()
        until(lambda: ask(door.http, "hung.localhost").text.startswith("503 hung isn't running"))
        found = set()
        for sock in clients[:-1]:
            sock.settimeout(PATIENCE)
            found.add(Answer(read_all(sock)).status)
        assert found <= {0, 502, 503}  # those in the kernel's queue went with it
        assert 502 in found
        until(lambda: descriptors(pid) < 20, "descriptors given back")


def test_a_client_that_leaves_in_any_way_leaves_nothing(door: DoorOfTest) -> None:
    pid = door.start()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(blog):
        before = descriptors(pid)
        for data in (b"", GET, GET[:20], b"\x16\x03\x01", GET.replace(b"blog", b"nobody")):
            for reset in (True, False):
                for _ in range(20):
                    with socket.create_connection(("127.0.0.1", door.http)) as sock:
                        sock.sendall(data)
                        if reset:
                            sock.setsockopt(
                                socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"
                            )
        assert ask(door.http, "blog.localhost").text == "blog"
        until(lambda: descriptors(pid) <= before, "descriptors given back")
        half_closed = socket.create_connection(("127.0.0.1", door.http), PATIENCE)
        with half_closed:
            half_closed.sendall(GET)
            half_closed.shutdown(socket.SHUT_WR)
            assert Answer(read_all(half_closed)).text == "blog"


def test_without_descriptors_clients_wait_in_the_backlog_and_it_is_said_once(
    door: DoorOfTest,
) -> None:
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    door.options = (*door.options, "--patience", "0.5")
    pid = door.start()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (60, 60))
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(blog), contextlib.ExitStack() as stack:
        for _ in range(120):
            sock = socket.create_connection(("127.0.0.1", door.http), PATIENCE)
            stack.enter_context(sock).sendall(b"GET / HTTP/1.1\r\n")
        used = cpu(pid)
        assert ask(door.http, "blog.localhost").text == "blog"
        assert cpu(pid) - used < 2
        log = (door.place.state / "door.log").read_text()
        assert log.count("clients wait") == 1
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        (MOST + 3).to_bytes(4, "big") + b"\x01\x00",
        frame(TAKE, b"short", 1),
        frame(HELLO, b"[1]"),
        frame(STATE, b"{"),
        json_frame(HELLO, {"v": 1}),
        b"\xff" * 70000,
    ],
)
def test_a_member_that_says_garbage_loses_its_names_and_nobody_else_anything(
    door: DoorOfTest, data: bytes
) -> None:
    pid = door.start()
    mad = FakeMember(door, "mad", "mad.localhost", rejoins=False).joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(mad, blog):
        mad.say(data)
        until(lambda: ask(door.http, "mad.localhost").status == 503)
        assert ask(door.http, "blog.localhost").text == "blog"
        assert door.pid() == pid
        log = (door.place.state / "door.log").read_text()
        assert "mad says what can't be read" in log
        assert "Traceback" not in log


def test_an_older_and_a_newer_peer_get_along(door: DoorOfTest) -> None:
    door.start()
    newer = FakeMember(
        door, "newer", "new.localhost", v=7, rpx="9.0", later={"unknown": [1]}
    ).joined()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    none = FakeMember(door, "none", "none.localhost", v=0)
    with members(newer, blog, none):
        assert newer.welcome is not None
        assert newer.welcome["v"] == 1
        newer.say(frame(77, b"of a later version"))
        assert ask(door.http, "new.localhost").text == "newer"
        until(lambda: none.refused)
        assert none.refused == {"kind": "version"}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
def test_somebody_else_may_not_speak_to_the_door(door: DoorOfTest) -> None:
    """Its folder keeps others out; that is no argument against looking who it is."""
    door.start()
    blog = FakeMember(door, "blog", "blog.localhost").joined()
    with members(blog):
        folder = door.place.folder
        while folder != folder.parent:
            mode = folder.stat().st_mode
            if not mode & 0o001:
                folder.chmod(mode | 0o055)
            folder = folder.parent
        door.place.socket.chmod(0o777)
        program = (
            "import os, socket, sys\n"
            "os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.settimeout(30)\n"
            "s.sendall(sys.argv[2].encode('latin-1')); print(repr(s.recv(999)))\n"
        )
        said = {**blog.about, "project": "thief", "hosts": ["free.localhost"], "entrances": []}
        data = json_frame(HELLO, said).decode("latin-1")
        # A frame begins with zeros, which no argument may have.
        program = program.replace("sys.argv[2].encode('latin-1')", repr(data.encode("latin-1")))
        run = subprocess.run(
            [sys.executable, "-c", program, str(door.place.socket)],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert run.stdout.strip() == "b''" or "Error" in run.stderr
        assert [each.project for each in door.roster().members] == ["blog"]


@pytest.mark.parametrize("count", [60, pytest.param(300, marks=pytest.mark.thorough)])
def test_many_projects_can_be_there_at_once(door: DoorOfTest, count: int) -> None:
    door.start()
    with contextlib.ExitStack() as stack:
        them = []
        for number in range(count):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.connect(str(door.place.socket))
            said = {
                "v": 1, "rpx": "0.1.0", "pid": os.getpid(), "run_id": str(number),
                "project": f"p{number}", "folder": "/", "file": f"/{number}", "hosts":
                [f"p{number}.localhost"], "entrances": [{"tls": False}],
                "prefer": {"http": door.http}, "accepts": False,
            }  # fmt: skip
            sock.sendall(json_frame(HELLO, said))
            them.append(sock)
        until(lambda: len(door.roster().members) == count)
        said = json.loads(ask(door.http, "localhost", "Accept: application/json").text)
        assert len(said["projects"]) == count
        html = ask(door.http, "localhost", "Accept: text/html").text
        assert len(re.findall("<section>", html)) == count
