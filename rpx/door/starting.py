"""How a project finds the door, or starts one.

Light: the guardian of a project starts the first door, and keeps in memory what it has imported.
"""

from __future__ import annotations

import fcntl
import os
import socket
import sys
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from rpx.folders import Unusable, make_private, runtime_homes, state_home

SOCKET: Final = "door.sock"
LOCK: Final = "door.lock"
LONGEST: Final = 100  # bytes of a socket's path; macOS allows 103, Linux 107
_MAIN: Final = Path(__file__).with_name("__main__.py")
_LOCK_OF_DOOR: Final = 3  # the number that the lock has in the door


class DoorPlace(NamedTuple):
    """Where a door is. `folder` has its socket and its lock, `state` what outlives it."""

    folder: Path
    state: Path

    @property
    def socket(self) -> Path:
        """Where members connect."""
        return self.folder / SOCKET

    @property
    def lock(self) -> Path:
        """What the living door has locked; its content is the roster (roster.py)."""
        return self.folder / LOCK


def door_place() -> DoorPlace:
    """Where this user's door is, or would be; a runtime directory has its own. Touches nothing."""
    found = [home / "door" for home in runtime_homes()]
    short = (each for each in found if len(os.fsencode(each / SOCKET)) <= LONGEST)
    return door_place_in(next(short, found[0]))


def door_place_in(folder: Path) -> DoorPlace:
    """The place of a door whose socket is in this folder."""
    # Not by hashlib, which loads OpenSSL: the guardian of each project would have that in memory.
    key = zlib.crc32(os.fsencode(os.path.realpath(folder)))
    return DoorPlace(folder, state_home() / "door" / f"{key:08x}")


def connect(place: DoorPlace) -> socket.socket | None:
    """Connect to the door; None while there is none that answers. The socket blocks.

    It never waits: a door that is being started has no socket yet, and of one that is stopped the
    backlog is full after a while.
    """
    sock = socket.socket(socket.AF_UNIX)
    sock.setblocking(False)
    try:
        sock.connect(os.fspath(place.socket))
    except OSError:
        sock.close()
        return None
    sock.setblocking(True)
    return sock


def take_lock(place: DoorPlace) -> int | None:
    """Lock what a door holds while it lives, and return the descriptor; None: somebody has it.

    Whoever has it is to start a door with it. Raises: Unusable when the folder can't be had.
    """
    make_private(place.folder)
    try:
        lock = os.open(place.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Unusable(place.lock, f"cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), os.stat(place.lock)):
            return lock
    except OSError:
        pass
    os.close(lock)  # or its folder was removed in between
    return None


def start_door(place: DoorPlace, lock: int, *, options: Sequence[str] = ()) -> None:
    """Start a door that has `lock` from take_lock() or from MOVE; it is closed here.

    It answers some 30 ms later. It is nobody's child, in a session of its own, and lives on when
    this process ends. Only below a subreaper, as in what `rpx up` supervises, it becomes the child
    of that: so the first is started before. Takes 2 ms. Raises: OSError when it can't be started,
    as when the interpreter has been removed; the lock is free then.

    `options`: see __main__.py.
    """
    log = -1
    command = [
        "/bin/sh",  # it ends at once, so that nobody has to wait for the door
        "-c",
        '"$@" &',
        "rpx-door",
        sys.executable,
        "-I",
        "-S",
        os.fspath(_MAIN),
        os.fspath(place.folder),
        os.fspath(place.state),
        "--lock",
        *options,
    ]
    try:
        if not os.access(sys.executable, os.X_OK):  # the shell would say it to nobody
            raise FileNotFoundError(f"{sys.executable or 'the interpreter'} is not there")
        os.makedirs(place.state, mode=0o700, exist_ok=True)
        log = _log(place)
        # None of our descriptors has one of the numbers that are given in the child.
        kept = fcntl.fcntl(lock, fcntl.F_DUPFD_CLOEXEC, 10)
        said = fcntl.fcntl(log, fcntl.F_DUPFD_CLOEXEC, 10)
        try:
            shell = os.posix_spawn(
                command[0],
                command,
                {},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, said, 2),
                    (os.POSIX_SPAWN_DUP2, kept, _LOCK_OF_DOOR),
                ],
                setsigmask=(),
                setsid=True,
            )
        finally:
            os.close(kept)
            os.close(said)
    finally:
        os.close(lock)
        if log >= 0:
            os.close(log)
    with suppress(ChildProcessError):  # somebody here waits for all children
        os.waitpid(shell, 0)


def _log(place: DoorPlace) -> int:
    """Open the file for what goes wrong in the door: a traceback, if ever."""
    return os.open(
        place.state / "door.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
