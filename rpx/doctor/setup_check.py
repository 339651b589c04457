"""What `rpx setup` has arranged on this machine, and whether it still holds."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.doctor.findings import Finding, Status
from rpx.setup.launch_daemon import PLIST
from rpx.setup.low_ports import FILE, FIRST, permitted_ports
from rpx.setup.sealed_files import sealed_file
from rpx.setup.sysctl import running
from rpx.setup.system import System, this_system
from rpx.setup.systemd_units import unit_files
from rpx.setup.tab_completion import completion_files


def arranged(system: System | None = None) -> Iterator[Finding]:
    """Look for what setup makes; nothing is said of what it has not made."""
    system = system or this_system()
    if system.platform == "linux":
        yield from _setting(system)
    for path in unit_files(system):
        yield Finding("setup", str(path), Status.OK, "systemd holds the ports for the door")
    if sealed_file(system.at(PLIST)):
        yield Finding("setup", str(system.at(PLIST)), Status.OK, "launchd has the door")
    for path in completion_files(system):
        yield Finding("setup", str(path), Status.OK, "your shell completes words of rpx")


def _setting(system: System) -> Iterator[Finding]:
    part = permitted_ports(system)
    value = running(system)
    path = system.at(FILE)
    there = sealed_file(path)
    for note in part.notes:
        hint = "`rpx setup --dry-run ports` says what there is"
        yield Finding("setup", part.title, Status.WARNING, note, hint)
    if there is not None and not there.intact:
        hint = f"`rpx setup --undo` leaves it alone: remove it yourself, `sudo rm {path}`"
        yield Finding("setup", str(path), Status.OK, f"was changed since; {part.now}", hint)
    elif there is not None and part.done:
        yield Finding("setup", str(path), Status.OK, part.now)
    elif there is not None or (value is not None and value <= FIRST and not part.done):
        hint = "`rpx setup ports` lets it last"
        yield Finding("setup", part.title, Status.WARNING, part.now, hint)
