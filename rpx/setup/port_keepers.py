"""Whether systemd or launchd holds the ports for the door, by what setup has made."""

from __future__ import annotations

from typing import Final

from rpx.setup.launch_daemon import PLIST
from rpx.setup.sealed_files import sealed_file
from rpx.setup.system import System
from rpx.setup.systemd_units import unit_files

HOLDERS: Final = frozenset({"systemd", "launchd"})  # names of their processes


def is_held(system: System) -> bool:
    """Whether there is a unit or a property list of setup's."""
    return bool(unit_files(system)) or sealed_file(system.at(PLIST)) is not None
