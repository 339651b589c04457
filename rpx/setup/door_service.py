"""The door as a service of the system: how it is started, and when that can be arranged at all."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from typing import Final

import rpx.door
from rpx.door.roster import read_roster
from rpx.door.starting import DoorPlace, door_place, door_place_in
from rpx.errors import Problem
from rpx.folders import LOGIN
from rpx.setup.bindable import LOW_PORTS
from rpx.setup.system import System

STAYS: Final = ("--first", "inf", "--stay", "inf")  # whether there are projects or not


def door_words(place: DoorPlace, *options: str) -> tuple[str, ...]:
    """The command that becomes the door when no other one is there any more."""
    main = Path(rpx.door.__file__).with_name("__main__.py")
    python = ("-I", "-S", str(main))
    return (sys.executable, *python, str(place.folder), str(place.state), "--wait", *options)


def lasting_place() -> DoorPlace:
    """Where this user's door is in a login of systemd's, also where this isn't one."""
    if sys.platform == "linux" and "XDG_RUNTIME_DIR" not in os.environ:
        return door_place_in(LOGIN / "rpx" / "door")
    return door_place()


def addresses() -> list[tuple[str, int]]:
    """Where it is to listen; a machine without IPv6 has no ::1."""
    return [(host, port) for port in LOW_PORTS for host in ("127.0.0.1", "::1")[: 1 + _has_ipv6()]]


def obstacle(system: System, place: DoorPlace) -> Problem | None:
    """Why that can't be arranged now, for everything that does so."""
    if system.uid != os.getuid():
        hint = "it asks for the password by itself"
        return Problem("the door is that of one user: run `rpx setup` without sudo", hint=hint)
    roster = read_roster(place)
    if roster is not None and {roster.http, roster.https} & set(LOW_PORTS):
        what = f"the door that runs now (pid {roster.pid}) has the ports"
        return Problem(what, hint="`rpx down --all` stops your projects, and it ends with them")
    return None


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True
