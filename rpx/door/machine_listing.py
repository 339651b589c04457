"""Which page a client gets that no project is to have: the door's answer, and a member's with TLS.

Who may read names and folders is asked first: by DNS rebinding any web site can make a browser ask
us, with that site's name in Host.
"""

from __future__ import annotations

import os

from rpx.http.machine_page import (
    IdleProject,
    ListedProject,
    ListedService,
    MachinePage,
    start_command,
)
from rpx.policy.nearness import is_loopback

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from rpx.http.head import RequestHead

_USUAL = {"http": 80, "https": 443}
_OWN = frozenset(("", "localhost", "rpx.localhost"))
_DASHBOARDS = ".rpx.localhost"  # behind the name of a project


def page_for(
    request: RequestHead,
    members: Sequence[Mapping[str, Any]],
    known: Iterable[Mapping[str, Any]],
    *,
    tls: bool,
    near: bool,
) -> MachinePage:
    """The page for a request. `members` as in the roster, `known` as they are kept (records.py).

    `tls`: it came with that. `near`: who asks is on this machine, and no page of another site.
    """
    if not near:
        sentence = "No project has this name."
        return MachinePage(status=404, title="Unknown host", sentence=sentence, listed=False)
    host, idle = request.host, [each for each in known if _is_idle(each, members)]
    member = _with(host, members) or (None if host in _OWN else _with("*", members))
    if member:
        return _elsewhere(request, member, tls=tls)
    everything = MachinePage(
        tuple(sorted(map(_listed, members), key=_order)),
        tuple(sorted(map(_idle, idle), key=_order)),
    )
    own = host in _OWN or is_loopback(host)
    if own and request.path in {b"/", b"*"} and request.method in {b"GET", b"HEAD"}:
        return everything
    if project := _with(host, idle):
        return _not_running(request, project, tls=tls)
    return MachinePage(
        everything.projects,
        everything.idle,
        status=404,
        title="Unknown host",
        sentence=f"No project has the name `{host}`." if host else "The request names no host.",
    )


def _elsewhere(request: RequestHead, member: Mapping[str, Any], *, tls: bool) -> MachinePage:
    """The page for a name that somebody has, but not at the port at which it is asked for."""
    scheme, host, project = "https" if tls else "http", request.host, member["project"]
    port = member[scheme]
    if port and port == (_port(request) or _USUAL[scheme]):
        return MachinePage(
            status=421,
            title="Misdirected Request",
            sentence=f"`{project}` has the name `{host}` by now: open this page again.",
            listed=False,
        )
    if port:
        sentence = f"The name `{host}` of the project `{project}` is at another port."
    else:
        sentence = f"The project `{project}` has the name `{host}`, but not for {scheme}"
        sentence += " (`https: true` in its rpx.yaml gives it that)." if tls else "."
    return MachinePage(
        status=404,
        title=f"{host} is elsewhere",
        sentence=sentence,
        listed=False,
        url=_url(host, member),
        home=_home(request, tls=tls),
    )


def _not_running(request: RequestHead, known: Mapping[str, Any], *, tls: bool) -> MachinePage:
    project = _idle(known)
    return MachinePage(
        idle=(project,),
        status=503,
        title=f"{project.name} isn't running",
        sentence=f"`{request.host}` is a name of this project. It is started by",
        listed=False,
        home=_home(request, tls=tls),
    )


def _home(request: RequestHead, *, tls: bool) -> str:
    """Where the page of all projects is, by the port that the client has come to."""
    scheme = "https" if tls else "http"
    return f"{scheme}://localhost{_suffix(scheme, _port(request) or _USUAL[scheme])}"


def _port(request: RequestHead) -> int:
    """The port that is asked for; 0 for the usual one."""
    port = request.authority.rpartition(b":")[2]
    return int(port) if port.isdigit() else 0


def _with(host: str, projects: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Who has a name: by itself, or else by a wildcard, which is one label."""
    for name in (host, "*." + host.partition(".")[2]):
        for each in projects:
            if name in each.get("hosts", ()):
                return each
    return None


def _is_idle(known: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> bool:
    if any(member["file"] == known["file"] for member in members):
        return False
    return os.path.isdir(str(known.get("folder", "")))


def _order(project: ListedProject | IdleProject) -> tuple[str, str, str]:
    return project.name, project.realm, project.folder


def _listed(member: Mapping[str, Any]) -> ListedProject:
    services = [ListedService(x["name"], x["url"], x["state"]) for x in member["services"]]
    dashboard = next((host for host in member["hosts"] if host.endswith(_DASHBOARDS)), "")
    exact = [host for host in member["hosts"] if not host.startswith("*") and host != dashboard]
    return ListedProject(
        member["project"],
        member["folder"],
        member["realm"],
        member["branch"],
        member["state"],
        tuple(services or [ListedService(host, _url(host, member)) for host in exact]),
        tuple(member["hosts"]),
        os.path.isdir(member["folder"]),
        # Without TLS, as `rpx open --dashboard` has it: no browser need trust anybody for it.
        _url(dashboard, {**member, "https": 0} if member["http"] else member) if dashboard else "",
    )


def _url(host: str, member: Mapping[str, Any]) -> str:
    """Where a name of a member is; "" where that has no port for names."""
    scheme = "https" if member["https"] else "http"
    return f"{scheme}://{host}{_suffix(scheme, member[scheme])}" if member[scheme] else ""


def _suffix(scheme: str, port: int) -> str:
    return "" if port == _USUAL[scheme] else f":{port}"


def _idle(known: Mapping[str, Any]) -> IdleProject:
    folder = str(known.get("folder", ""))
    return IdleProject(
        str(known.get("project", "")),
        folder,
        start_command(folder, str(known.get("start", "rpx up"))),
        str(known.get("realm", "")),
        tuple(str(host) for host in known.get("hosts", ())),
    )
