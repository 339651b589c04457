"""The machine's door: started before all else, and told who comes to it.

`begin_door` is for the process that becomes the guardian, and imports nothing heavy.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from rpx import __version__
from rpx.door.starting import connect, door_place, start_door, take_lock
from rpx.errors import RpxError, UsageError

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello
    from rpx.model.config import Config
    from rpx.runs.lease import Lease


_VARIABLES: Final[tuple[tuple[Literal["http", "https"], str], ...]] = (
    ("http", "RPX_HTTP_PORT"),
    ("https", "RPX_HTTPS_PORT"),
)


def begin_door() -> None:
    """Start the door if there is none: it comes up while the rest of rpx is loaded.

    It is to outlive the project, and so must be nobody's that the guardian sweeps up after: it is
    started before there is a guardian. What is wrong with it is said when it is joined.
    """
    with suppress(OSError, RpxError):
        place = door_place()
        there = connect(place)  # systemd listens for a door, and starts it by that
        if there is not None:
            there.close()
            return
        lock = take_lock(place)
        if lock is not None:
            start_door(place, lock)


def member_of(config: Config, lease: Lease, environ: Mapping[str, str]) -> MemberHello:
    """Return what the project of a lease says of itself at the door, but for its names and ports.

    Raises: UsageError.
    """
    from rpx.config.worktree import branch_at  # noqa: PLC0415 - not for the guardian
    from rpx.door.door_frames import VERSION  # noqa: PLC0415

    return {
        "v": VERSION,
        "rpx": __version__,
        "pid": os.getpid(),
        "run_id": lease.run_id,
        "project": config.name,
        "folder": str(config.root),
        "file": str(lease.config),
        "realm": config.realm,
        "branch": branch_at(config.root),
        "hosts": [],
        "entrances": [],
        "accepts": True,
        "prefer": _preferred(environ),
    }


def _preferred(environ: Mapping[str, str]) -> dict[Literal["http", "https"], int]:
    """The ports of the machine that the environment chooses. Raises: UsageError."""
    found: dict[Literal["http", "https"], int] = {}
    for scheme, variable in _VARIABLES:
        written = environ.get(variable, "")
        if written and not (written.isdecimal() and 0 < int(written) < 65536):
            raise UsageError(f"{variable} is no port: `{written}`", hint="a port is 1 to 65535")
        if written:
            found[scheme] = int(written)
    return found
