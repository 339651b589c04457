"""Connections of members to the door, whose numbers are used again."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

import pytest

from rpx.door.door_frames import (
    ASTRAY,
    HELLO,
    TAKE,
    WELCOME,
    Reader,
    client_payload,
    frame,
    json_frame,
    send,
)
from rpx.door.entrances import Entrances
from rpx.door.hall import Hall
from rpx.door.member import NAMELESS as NOBODY
from rpx.door.membership import NAMELESS, Membership
from rpx.door.poller import GONE, READABLE
from rpx.door.records import Records
from tests.support.doors import free_port


def test_who_is_waited_for_is_waited_for_by_the_next_door_as_well(tmp_path: Path) -> None:
    """Or one that is killed before all are back would let the first accept for the others."""
    row = {"run_id": "shop-1", "pid": os.getpid(), "project": "shop"}
    lock = os.open(tmp_path / "door.lock", os.O_RDWR | os.O_CREAT, 0o600)
    os.write(lock, json.dumps({"members": [row]}).encode() + b"\n")
    for had_its_time in (False, False, True):  # doors, each killed at once or a little later
        records = Records(str(tmp_path), str(tmp_path / "state"), os.dup(lock))
        hall = Hall(Entrances(records.ports(), records.reasons()), records)
        membership = Membership(hall)
        membership.note()
        assert records.expected() == {"shop-1"}
        if had_its_time:
            hall.timers.run(time.monotonic() + 10)
    records = Records(str(tmp_path), str(tmp_path / "state"), lock)
    assert records.expected() == set()


def test_who_is_given_back_before_all_members_are_is_passed_on_to_who_has_the_name(
    tmp_path: Path,
) -> None:
    rows = [{"run_id": name, "pid": os.getpid()} for name in ("shop", "blog")]
    (tmp_path / "door.lock").write_text(json.dumps({"members": rows}) + "\n")
    hall = Hall(Entrances({}, {}), Records(str(tmp_path), str(tmp_path), None))
    membership = Membership(hall)
    entrances = [{"tls": False, "port": None}]

    def come(name: str) -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair()
        theirs.settimeout(30)
        membership.meet(ours)
        about = {"v": 1, "rpx": "0.1.0", "pid": os.getpid(), "run_id": name, "project": name,
                 "folder": "/", "file": f"/{name}", "hosts": [f"{name}.test"],
                 "entrances": entrances, "prefer": {"http": free_port()}}  # fmt: skip
        theirs.sendall(json_frame(HELLO, about))
        hall.handlers[ours.fileno()](READABLE)
        return theirs, ours.fileno()

    def frames(sock: socket.socket, count: int) -> list[int]:
        reader, kinds = Reader(), list[int]()
        while len(kinds) < count:
            assert reader.feed(sock)
            for kind, _, fds in reader.frames():
                kinds.append(kind)
                for fd in fds:
                    os.close(fd)
        reader.close()
        return kinds

    shop, number = come("shop")
    assert frames(shop, 1) == [WELCOME]
    client, passed = socket.socketpair()
    (entrance,) = hall.entrances.all
    ahead = b"GET / HTTP/1.1\r\nHost: blog.test\r\n\r\n"
    payload = client_payload(entrance, "127.0.0.1", 4711, ahead)
    send(shop, frame(ASTRAY, payload, 1), (passed.fileno(),))
    passed.close()
    hall.handlers[number](READABLE)
    client.setblocking(False)
    with pytest.raises(BlockingIOError):
        client.recv(1)  # nobody has said that blog isn't running
    blog, its = come("blog")
    assert frames(blog, 2) == [WELCOME, TAKE]
    hall.entrances.machine(tls=False).close()  # type: ignore[union-attr]
    for sock in (shop, blog, client):
        sock.close()
    for each in (number, its):
        hall.handlers[each](READABLE | GONE)


def test_who_left_without_a_name_takes_nobody_along_that_has_its_number(tmp_path: Path) -> None:
    place = tmp_path / "door"
    place.mkdir(mode=0o700)
    records = Records(str(place), str(tmp_path / "state"), None)
    hall = Hall(Entrances(records.ports(), records.reasons()), records)
    membership = Membership(hall)
    looks, theirs = socket.socketpair()  # as `rpx projects` does
    number = theirs.fileno()
    membership.meet(theirs)
    looks.close()
    hall.handlers[number](READABLE | GONE)
    assert number not in hall.handlers
    ours, theirs = socket.socketpair()
    if theirs.fileno() != number:
        ours, theirs = theirs, ours
    assert theirs.fileno() == number
    membership.meet(theirs)
    membership._sockets[number].about = NOBODY.copy()  # it has said HELLO
    hall.timers.run(time.monotonic() + NAMELESS + 1)
    assert number in hall.handlers
    ours.close()
    hall.handlers[number](READABLE | GONE)
