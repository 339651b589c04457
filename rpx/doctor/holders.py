"""Who has the ports that URLs without a port mean: the door of this user's projects, or whoever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rpx.backend.port_holder import PortOwner, holder, port_owners
from rpx.door.roster import Roster
from rpx.runs.lease import project_with
from rpx.setup.port_keepers import HOLDERS, is_held
from rpx.setup.system import this_system

INSTEAD: Final = {80: 8080, 443: 8443}  # or one above it


def strangers_at(roster: Roster | None) -> Mapping[int, str]:
    """Who listens on 80 and 443 besides the door, by port: a name for people."""
    doors = (roster.http, roster.https) if roster else ()
    wanted = [port for port in INSTEAD if port not in doors]
    owners = port_owners(wanted, ("localhost",)) if wanted else {}
    held = bool(owners) and is_held(this_system())
    return {
        port: holder(owner, project_with(owner.pid, owner.instance))
        for port, owner in owners.items()
        if not (held and is_for_the_door(owner))
    }


def is_for_the_door(owner: PortOwner) -> bool:
    """Whether who has a port can be systemd or launchd, which others are not told of."""
    if owner.pid is None:
        return owner.user in ("", "root")
    return owner.name in HOLDERS


def what_then(port: int) -> str:
    """What becomes of projects while a stranger has the port."""
    return f"projects get {INSTEAD[port]} instead, or the next that is free"
