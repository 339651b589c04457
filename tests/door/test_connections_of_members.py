"""Connections of those who may become members: descriptors that one has had, another gets."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from rpx.door.door_frames import HELLO, LEAVE, frame, json_frame
from rpx.door.entrances import Entrances
from rpx.door.hall import Hall
from rpx.door.membership import NAMELESS, Membership
from rpx.door.poller import READABLE
from rpx.door.records import Records

ABOUT = {
    "v": 1, "rpx": "0.1.0", "pid": 42, "run_id": "r", "project": "shop", "folder": "/",
    "file": "/f", "hosts": ["shop.test"], "entrances": [],
}  # fmt: skip


def test_a_member_is_heard_whoever_had_its_descriptor_before_and_said_nothing(
    tmp_path: Path,
) -> None:
    hall = Hall(Entrances({}, {}), Records(str(tmp_path), str(tmp_path), None))
    membership = Membership(hall)

    def come() -> tuple[socket.socket, int]:
        ours, theirs = socket.socketpair()
        membership.meet(ours)
        return theirs, ours.fileno()

    visitor, number = come()
    visitor.close()
    hall.handlers[number](READABLE)
    member, same = come()
    assert same == number
    member.sendall(json_frame(HELLO, ABOUT))
    hall.handlers[number](READABLE)
    assert hall.claims.find("shop.test") is not None
    hall.timers.run(time.monotonic() + NAMELESS + 1)  # the first one has had its time
    member.sendall(frame(LEAVE))
    hall.handlers[number](READABLE)
    assert hall.claims.find("shop.test") is None
    member.close()
    hall.handlers[number](READABLE)
