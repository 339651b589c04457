"""The page about all projects of this machine: what runs, its names, and how to start the rest.

It is shown by the door, and by a member for what comes with TLS. Who may read it is asked first:
by DNS rebinding any web site can make a browser ask us, with that site's name in Host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from ipaddress import ip_address

from rpx.http.page_parts import HTML, JSON, clean, document, escaped, link, preferred, words

# Below these nobody can have a name in the public DNS (RFC 6761 §6, RFC 6762 §3; `internal` by
# ICANN's resolution of 2024).
OURS = frozenset(("localhost", "test", "internal", "local"))
TITLE = "Projects of this machine"
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_NOTHING = "Nothing runs here. In the folder of a project: `rpx up`"


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service of a project that runs. `url`: "" where it has no name; `state` as of `rpx ps`."""

    name: str
    url: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project that runs. `services`, or where it has told of none the URLs of its names."""

    name: str
    folder: str
    realm: str = ""
    branch: str = ""
    state: str = ""
    services: tuple[ListedService, ...] = ()


@dataclass(frozen=True, slots=True)
class IdleProject:
    """A project that is known, and doesn't run. `start`: what is to be typed."""

    name: str
    folder: str
    start: str
    realm: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MachinePage:
    """What is shown. `sentences`: what is to be said first; in them backticks are for code."""

    projects: tuple[ListedProject, ...] = ()
    idle: tuple[IdleProject, ...] = ()
    status: int = 200
    title: str = TITLE
    sentences: tuple[str, ...] = ()
    listed: bool = True  # False: no project is to be seen


def may_be_told(host: str, *, taken: bool) -> bool:
    """Whether who asks for `host` (lower case, without port) may see names and folders.

    `taken`: a project has this name.
    """
    if taken or not host:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rpartition(".")[2] in OURS


def is_machines_own(host: str) -> bool:
    """Whether a host that no project has means the machine itself, and so this page."""
    if host in {"", "localhost", "rpx.localhost"}:
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def unknown_host(
    host: str,
    projects: Sequence[ListedProject],
    idle: Sequence[IdleProject],
    *,
    near: bool,
) -> MachinePage:
    """The page for a host that nobody has. `near`: who asks may see the rest, see may_be_told."""
    if not near:
        return MachinePage(
            status=404,
            title="Unknown host",
            sentences=("No project has this name.",),
            listed=False,
        )
    if is_machines_own(host):
        return MachinePage(tuple(projects), tuple(idle))
    return MachinePage(
        tuple(projects),
        tuple(idle),
        status=404,
        title="Unknown host",
        sentences=(f"No project has the name `{host}`.",),
    )


def not_running(project: IdleProject) -> MachinePage:
    """The page for a host whose project doesn't run."""
    return MachinePage(
        idle=(project,),
        status=503,
        title=f"{project.name} isn't running",
        sentences=(f"Start it: `{project.start}`",),
        listed=False,
    )


def start_command(folder: str, command: str) -> str:
    """What is to be typed to start a project in `folder`; `command` as typed there."""
    shown = folder if _PLAIN.fullmatch(folder) else "'" + folder.replace("'", "'\\''") + "'"
    return f"cd {shown} && {command}"


def render_machine(page: MachinePage, accept: bytes | None) -> tuple[bytes, str]:
    """The body of the page in the form that `Accept` prefers, and its Content-Type."""
    kind = preferred(accept)
    if kind == HTML:
        return _as_html(page).encode("utf-8", "replace"), kind
    if kind == JSON:
        return _as_json(page).encode("utf-8", "replace"), kind
    return _as_text(page).encode("utf-8", "replace"), kind


def _as_json(page: MachinePage) -> str:
    found: dict[str, object] = {
        "status": page.status,
        "title": page.title,
        "detail": " ".join(page.sentences),
    }
    if page.listed:
        found["projects"] = [asdict(project) for project in page.projects]
    if page.idle:
        found["idle"] = [asdict(project) for project in page.idle]
    return json.dumps(found, indent=2) + "\n"


def _as_text(page: MachinePage) -> str:
    lines = [clean(page.title if page.status == 200 else f"{page.status} {page.title}")]
    if page.sentences:
        lines += ["", *map(clean, page.sentences)]
    if not page.listed:
        return "\n".join(lines) + "\n"
    for project in page.projects:
        name = f"{_named(project.name, project.realm)}  {project.state}".rstrip()
        lines += ["", clean(name), clean(f"  {project.folder}")]
        for service in project.services:
            lines.append(clean(f"  {service.url or service.name}  {service.state}".rstrip()))
    if page.idle:
        lines += ["", "not running:"]
        lines += [
            clean(f"  {_named(project.name, project.realm)}: {project.start}")
            for project in page.idle
        ]
    if not page.projects and not page.idle:
        lines += ["", _NOTHING]
    return "\n".join(lines) + "\n"


def _as_html(page: MachinePage) -> str:
    title = escaped(page.title)
    number = "" if page.status == 200 else f"<b>{page.status}</b>"
    parts = [
        f"<h1>{number}{title}</h1>",
        *(f"<p>{words(sentence)}</p>" for sentence in page.sentences),
    ]
    if page.listed:
        parts += map(_section, page.projects)
        if page.idle:
            parts += ["<h2>Not running</h2>", *map(_idle, page.idle)]
        if not page.projects and not page.idle:
            parts.append(f"<p>{words(_NOTHING)}</p>")
    name = title if page.status == 200 else f"{page.status} {title}"
    return document(name, parts, "Answered by rpx, for all projects of this machine.")


def _section(project: ListedProject) -> str:
    about = " · ".join(filter(None, (project.state, project.branch and f"on {project.branch}")))
    rows = "".join(
        f"<li>{link(service.url or service.name, service.url)}"
        f"{f' <span>{escaped(service.state)}</span>' if service.state else ''}</li>"
        for service in project.services
    )
    return (
        f"<section><h2>{escaped(_named(project.name, project.realm))} <span>{escaped(about)}</span>"
        f"</h2><p><code>{escaped(project.folder)}</code></p>"
        f"{f'<ul>{rows}</ul>' if rows else ''}</section>"
    )


def _idle(project: IdleProject) -> str:
    hosts = escaped(", ".join(project.hosts[:6]))
    return (
        f"<section><h2>{escaped(_named(project.name, project.realm))} <span>{hosts}</span></h2>"
        f"<pre>{escaped(project.start)}</pre></section>"
    )


def _named(name: str, realm: str) -> str:
    return f"{name} ({realm})" if realm and realm != name else name
