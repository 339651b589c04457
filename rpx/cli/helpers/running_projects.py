"""Every running project of this user: what its lease says, and what the door knows of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from rpx.backend.processes import is_suspended
from rpx.config.worktree import branch_at
from rpx.door.roster import Roster, RosterMember
from rpx.runs.lease import Lease, all_running


@dataclass(frozen=True, slots=True)
class DoorOfProject:
    """The door that a project is behind. `http_port`, `https_port`: null if closed."""

    pid: int
    version: str
    http_port: int | None
    https_port: int | None


@dataclass(frozen=True, slots=True)
class RunningProject:
    """One project, as `rpx projects --json` has it. `since` is seconds since the epoch.

    `urls`: of all of its names. `door` is null where it has ports of its own; so is `state` then,
    unless that is `suspended`.
    """

    name: str
    pid: int
    since: float
    url: str | None
    socket: str
    file: str
    file_exists: bool
    folder_exists: bool
    realm: str | None
    branch: str | None
    state: str | None
    urls: tuple[str, ...]
    door: DoorOfProject | None


def running_projects(roster: Roster | None) -> list[RunningProject]:
    """Each of them, by name."""
    members = {member.run_id: member for member in roster.members} if roster else {}
    door = _door(roster) if roster else None
    return [_row(lease, members.get(lease.run_id), door) for lease in all_running()]


def _door(roster: Roster) -> DoorOfProject:
    return DoorOfProject(roster.pid, roster.version, roster.http or None, roster.https or None)


def _row(lease: Lease, member: RosterMember | None, door: DoorOfProject | None) -> RunningProject:
    urls = tuple(dict.fromkeys(_urls(member))) if member else ()
    return RunningProject(
        name=lease.name,
        pid=lease.supervisor.pid,
        since=lease.supervisor.created,
        url=lease.url or next(iter(urls), None),
        socket=str(lease.socket),
        file=str(lease.config),
        file_exists=os.path.exists(lease.config),
        folder_exists=os.path.isdir(lease.config.parent),
        realm=lease.realm or None,
        branch=branch_at(lease.config.parent) or None,
        state=_state(lease, member),
        urls=urls or ((lease.url,) if lease.url else ()),
        door=door if member else None,
    )


def _state(lease: Lease, member: RosterMember | None) -> str | None:
    if is_suspended(lease.supervisor.pid):
        return "suspended"  # and so has not told the door
    return member.state if member else None


def _urls(member: RosterMember) -> Iterator[str]:
    """Where its services answer, then its names that are of none, such as wildcards."""
    known = [service.url for service in member.services if service.url]
    yield from known
    scheme, port = ("https", member.https) if member.https else ("http", member.http)
    usual = port == {"https": 443, "http": 80}[scheme]
    for host in member.hosts:
        if not any(url.partition("://")[2].startswith((f"{host}:", f"{host}/")) for url in known):
            yield f"{scheme}://{host}{'' if usual else f':{port}'}"
