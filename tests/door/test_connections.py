"""Connections of members to the door, whose numbers are used again."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

from rpx.door.entrances import Entrances
from rpx.door.hall import Hall
from rpx.door.member import NAMELESS as NOBODY
from rpx.door.membership import NAMELESS, Membership
from rpx.door.poller import GONE, READABLE
from rpx.door.records import Records


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
