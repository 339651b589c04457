"""Where lease, socket and logs of a project lie: private folders for each rpx.yaml.

Both sides compute it from the path of rpx.yaml alone, so that a command finds its project without
asking anybody.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from rpx.folders import runtime_homes, state_home

SOCKET: Final = "control.sock"
LEASE: Final = "lease.json"
_DIGITS: Final = 12  # of a project's folders
LONGEST: Final = 100  # bytes of a socket's path; macOS allows 103, Linux 107


def runtime_folder(config: Path) -> Path:
    """The folder of the project whose rpx.yaml is `config`, existing or not. Touches nothing.

    Another environment, or another state of the disk, may make it another one.
    """
    return runtime_home() / _key(config)


def runtime_home() -> Path:
    """What the runtime folders of all projects are in, as things are now. Touches nothing."""
    found = runtime_homes()
    below = 1 + _DIGITS + 1 + len(SOCKET)
    short = (each for each in found if len(os.fsencode(each)) + below <= LONGEST)
    return next(short, found[0])


def journal_folder(config: Path) -> Path:
    """The folder of the logs of the project whose rpx.yaml is `config`, existing or not."""
    return state_home() / _key(config)


def copy_of_lease(config: Path) -> Path:
    """The lease's second place: it is there when the runtime folder has gone.

    One for each machine, as homes may be shared.
    """
    return journal_folder(config) / _copy_name()


def leases() -> Iterator[Path]:
    """The leases of all projects of this user that say something, copies last.

    Most folders that were ever made have an empty one: their run has ended in order.
    """
    yield from map(Path, filter(_says_something, _in_each(runtime_homes(), LEASE)))
    yield from map(Path, filter(_says_something, _in_each([state_home()], _copy_name())))


def ports_file(config: Path) -> Path:
    """Where the ports are kept that rpx has chosen for that project."""
    return journal_folder(config) / "ports.json"


def _in_each(homes: Iterable[Path], name: str) -> Iterator[str]:
    """The file of that name in each folder of these; there may be none."""
    for home in homes:
        try:
            folders = os.listdir(home)
        except OSError:
            continue  # there is none
        yield from (os.path.join(home, folder, name) for folder in folders)


def _says_something(path: str) -> bool:
    try:
        return os.stat(path, follow_symlinks=False).st_size > 0
    except OSError:
        return False


def _copy_name() -> str:
    return f"lease-{re.sub('[^A-Za-z0-9.-]', '_', socket.gethostname())}.json"


def _key(config: Path) -> str:
    real = os.path.realpath(config)
    return hashlib.sha256(os.fsencode(real)).hexdigest()[:_DIGITS]
