"""Connections of members to the door, whose numbers are used again."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from rpx.door.entrances import Entrances
from rpx.door.hall import Hall
from rpx.door.member import NAMELESS as NOBODY
from rpx.door.membership import NAMELESS, Membership
from rpx.door.poller import GONE, READABLE
from rpx.door.records import Records


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
