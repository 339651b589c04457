"""Which host the dashboard of a run has."""

from __future__ import annotations

import hashlib
from typing import Final

from rpx.door.roster import read_roster
from rpx.door.starting import door_place
from rpx.model.config import Config

OWN: Final = "rpx.localhost"


def with_dashboard(config: Config) -> Config:
    """Return the same with the host of its dashboard, if it is to have one.

    At ports of its own it is `rpx.localhost`. Behind the machine's door that shows all projects,
    and the dashboard of one is a name below it: TLS knows the names of hosts, and no paths. Where a
    project in another folder has that name already, something of the folder's is added.
    """
    return config.model_copy(update={"dashboard_host": _host(config)})


def _host(config: Config) -> str:
    if not (config.dashboard and config.is_served):
        return ""
    if not config.shares_ports:
        return OWN
    label = "-".join(filter(None, (config.name, config.realm))).lower().replace("_", "-")
    host = f"{label[:50].strip('-')}.{OWN}"
    roster = read_roster(door_place())
    file = config.file or config.root
    if roster and any(host in each.hosts and each.file != file for each in roster.members):
        mark = hashlib.sha256(str(file).encode()).hexdigest()[:4]
        return f"{label[:50].strip('-')}-{mark}.{OWN}"
    return host
