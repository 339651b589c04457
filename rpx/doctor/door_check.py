"""Whether the door of this user's projects is there, answers, and is of this version."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import rpx
from rpx.backend.processes import is_suspended
from rpx.doctor.findings import Finding, Status
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import DoorPlace, door_place

PATIENCE = 3.0  # seconds for an answer; a busy door takes some milliseconds
_MEMBERS_COME_BACK = "its projects start another one at once, with the sockets that it listened on"


def front_door(place: DoorPlace | None = None, patience: float = PATIENCE) -> Iterator[Finding]:
    """Look at the door, and change nothing: no project comes in by that, and none leaves."""
    place = place or door_place()
    roster = read_roster(place)
    if roster is None:
        yield _nobody(place)
        return
    yield _ports(roster)
    if is_suspended(roster.pid):
        hint = f"`kill -CONT {roster.pid}` lets it go on; or `kill -9 {roster.pid}`:"
        what = f"it is suspended, as by SIGSTOP (pid {roster.pid}): no project gets new connections"
        yield _finding("door", Status.PROBLEM, what, f"{hint} {_MEMBERS_COME_BACK}")
        return
    try:
        answers = _answers(place, patience)
    except FileNotFoundError:
        what = f"{place.socket} is gone: a project that starts now does not find it"
        hint = f"it is made anew within seconds; if not, `kill -HUP {roster.pid}` does it"
        yield _finding("door", Status.WARNING, what, hint)
        return
    if not answers:
        what = f"it does not answer within {patience:g} s (pid {roster.pid})"
        hint = f"`kill -9 {roster.pid}`: {_MEMBERS_COME_BACK}"
        yield _finding("door", Status.PROBLEM, what, hint)
    if roster.version != rpx.__version__:
        what = f"it is of rpx {roster.version}, and this is {rpx.__version__}"
        hint = "the next `rpx up` of the newer one takes its place; no connection is lost"
        yield _finding("door", Status.WARNING, what, hint)


def _nobody(place: DoorPlace) -> Finding:
    holder = _lock_holder(place.lock)
    if holder is not None:
        what = f"a process holds its lock ({place.lock}), and does not say who is behind it"
        who = f"pid {holder}" if holder else "who it is, `fuser` tells"
        hint = f"look at it again in a moment; if it stays so, end that process ({who})"
        return _finding("door", Status.PROBLEM, what, hint)
    if place.socket.exists():
        what = "none is there; a killed one has left its socket, which the next one replaces"
        return _finding("door", Status.OK, what)
    return _finding("door", Status.OK, "none is there: the first project starts one")


def _ports(roster: Roster) -> Finding:
    ports = " and ".join(str(port) for port in (roster.http, roster.https) if port) or "none yet"
    count = len(roster.members)
    behind = f"{count} {'project' if count == 1 else 'projects'} behind it"
    return _finding("door", Status.OK, f"pid {roster.pid}, ports: {ports}, {behind}")


def _answers(place: DoorPlace, patience: float) -> bool:
    """Whether it sees that somebody comes and goes at once. Raises: FileNotFoundError."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(patience)
        try:
            sock.connect(os.fspath(place.socket))
            sock.shutdown(socket.SHUT_WR)
            return sock.recv(1) == b""
        except FileNotFoundError:
            raise
        except ConnectionError:
            return True  # it is just being replaced, or has let us go in another way
        except OSError:
            return False


def _lock_holder(path: Path) -> int | None:
    """The pid of who holds the lock, 0 if the system doesn't tell; None if nobody does."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _in_table(os.fstat(fd).st_ino)
    finally:
        os.close(fd)
    return None


def _in_table(inode: int) -> int:
    try:
        lines = Path("/proc/locks").read_text().splitlines()
    except OSError:
        return 0
    found = (line.split() for line in lines if f":{inode} " in line and "FLOCK" in line)
    return next((int(words[4]) for words in found if words[4].isdigit()), 0)


def _finding(subject: str, status: Status, detail: str, hint: str = "") -> Finding:
    return Finding("door", subject, status, detail, hint)
