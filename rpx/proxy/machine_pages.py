"""The page of the whole machine, for who asks with TLS for a host that no project has.

Without TLS such a client goes back to the door, which has the same page.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rpx.door.roster import KnownProject, Roster, RosterMember, read_known, read_roster
from rpx.door.starting import DoorPlace
from rpx.http.head import RequestHead
from rpx.http.machine_page import (
    IdleProject,
    ListedProject,
    ListedService,
    MachinePage,
    not_running,
    render_machine,
    start_command,
    unknown_host,
)
from rpx.model.ports import HTTPS
from rpx.proxy.client import Client


async def machine_page(
    client: Client, request: RequestHead, place: DoorPlace, *, near: bool
) -> tuple[int, bytes, str]:
    """Return status, body and type of the page. `near`: who asks may see the projects."""
    async with client.shared.reactor.task():
        roster, known = await trio.to_thread.run_sync(_read, place)
    page = _page(request.host, roster, known, near=near)
    return page.status, *render_machine(page, request.field(b"accept"))


def _read(place: DoorPlace) -> tuple[Roster | None, Sequence[KnownProject]]:
    return read_roster(place), read_known(place)


def _page(
    host: str, roster: Roster | None, known: Sequence[KnownProject], *, near: bool
) -> MachinePage:
    members = roster.members if roster is not None else ()
    running = {member.file for member in members}
    idle = [_idle(each) for each in known if each.file not in running]
    if near:
        for each in idle:
            if host in each.hosts:
                return not_running(each)
    listed = sorted(map(_listed, members), key=lambda each: (each.name, each.realm))
    return unknown_host(host, listed, idle, near=near)


def _listed(member: RosterMember) -> ListedProject:
    services = [ListedService(each.name, each.url, each.state) for each in member.services]
    hosts = [ListedService(host, _url(host, member)) for host in member.hosts]
    return ListedProject(
        member.project,
        str(member.folder),
        member.realm,
        member.branch,
        member.state,
        tuple(services or hosts),
    )


def _url(host: str, member: RosterMember) -> str:
    if "*" in host:
        return ""
    port = member.https or member.http
    scheme, usual = ("https", HTTPS) if member.https else ("http", 80)
    return f"{scheme}://{host}" + ("" if port == usual else f":{port}")


def _idle(known: KnownProject) -> IdleProject:
    folder = str(known.folder)
    start = start_command(folder, "rpx up")
    return IdleProject(known.project, folder, start, known.realm, known.hosts)
