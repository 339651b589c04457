"""The page about all projects of this machine: what runs, its names, and how to start the rest.

It is shown by the door, and by a member for what comes with TLS; rpx/door/machine_listing.py says
which page it is, and to whom.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import partial

from rpx.http.page_parts import (
    HTML,
    JSON,
    LOOK_AGAIN,
    TEXT,
    clean,
    document,
    escaped,
    in_a_line,
    in_form,
    link,
    safe_lines,
    words,
)

TITLE = "Projects of this machine"
# No frame of another site shows it, and no script of one gets it as an image or the like.
MACHINE_LINES = (
    safe_lines("frame-ancestors 'none'") + b"Cross-Origin-Resource-Policy: same-origin\r\n"
)
_NOTHING = "Nothing runs here. In the folder of a project, type `rpx up`."
_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_CALM = {
    **dict.fromkeys(("ready", "completed"), "good"),
    **dict.fromkeys(("starting", "waiting", "backoff", "draining", "stopping"), "busy"),
    **dict.fromkeys(("failing", "failed", "unhealthy"), "bad"),
}


@dataclass(frozen=True, slots=True)
class ListedService:
    """A service of a project that runs. `url`: "" where it has no name; `state` as of `rpx ps`."""

    name: str
    url: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class ListedProject:
    """A project that runs. `services`, or where it has told of none the URLs of its names.

    `hosts`: all its names, also such as `*.shop.localhost`. `dashboard`: the URL of its own page.
    """

    name: str
    folder: str
    realm: str = ""
    branch: str = ""
    state: str = ""
    services: tuple[ListedService, ...] = ()
    hosts: tuple[str, ...] = ()
    folder_exists: bool = True
    dashboard: str = ""


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
    """What is shown. `sentence`: what is to be said first; in it backticks are for code.

    `url`: where what is asked for is instead. `home`: where the page of all projects is. `idle` is
    the one that is asked for, if `listed` is False: then no other project is to be seen.
    """

    projects: tuple[ListedProject, ...] = ()
    idle: tuple[IdleProject, ...] = ()
    status: int = 200
    title: str = TITLE
    sentence: str = ""
    listed: bool = True
    url: str = ""
    home: str = ""


def start_command(folder: str, command: str) -> str:
    """What is to be typed to start a project in `folder`; `command` as typed there."""
    return f"cd {_quoted(folder)} && {command}"


def render_machine(page: MachinePage, accept: bytes | None) -> tuple[bytes, str]:
    """The body of the page in the form that `Accept` prefers, and its Content-Type."""
    forms = {HTML: _as_html, JSON: _as_json, TEXT: _as_text}
    return in_form(accept, {kind: partial(form, page) for kind, form in forms.items()})


def _quoted(folder: str) -> str:
    """A folder as a shell takes it; with $'…' (bash, zsh) what could not be read or pasted."""
    if _PLAIN.fullmatch(folder):
        return folder
    if clean(folder) == folder and "\n" not in folder and "\t" not in folder:
        return "'" + folder.replace("'", "'\\''") + "'"
    shown = ""
    for letter in folder:
        if letter in "'\\":
            shown += f"\\{letter}"
        elif letter in "\n\t" or not clean(letter):
            shown += "".join(f"\\x{byte:02x}" for byte in letter.encode("utf-8", "surrogateescape"))
        else:
            shown += letter
    return f"$'{shown}'"


def _as_json(page: MachinePage) -> str:
    found: dict[str, object] = {
        "status": page.status,
        "title": page.title,
        "detail": page.sentence,
    }
    if page.url:
        found["url"] = page.url
    if page.listed:
        found["projects"] = [asdict(project) for project in page.projects]
    if page.listed or page.idle:
        found["idle"] = [asdict(project) for project in page.idle]
    return json.dumps(found, indent=2) + "\n"


def _as_text(page: MachinePage) -> str:
    lines = [page.title if page.status == 200 else f"{page.status} {page.title}"]
    if page.sentence:
        lines += ["", page.sentence]
    if page.url:
        lines += ["", f"  {page.url}"]
    for project in page.projects:
        lines += ["", f"{_named(project)}  {project.state}".rstrip(), f"  {_place(project)}"]
        lines += [f"  {each.url or each.name}  {each.state}".rstrip() for each in project.services]
        lines += [f"  {host}" for host in _wild(project)]
        lines += [f"  dashboard: {project.dashboard}"] * bool(project.dashboard)
    if page.idle and page.listed:
        lines += ["", "not running:"]
        lines += [f"  {_named(project)}: {project.start}" for project in page.idle]
    elif page.idle:
        lines += ["", *(f"  {project.start}" for project in page.idle)]
    if page.listed and not page.projects and not page.idle:
        lines += ["", _NOTHING]
    if page.home:
        lines += ["", f"all projects: {page.home}"]
    return "\n".join(map(in_a_line, lines)) + "\n"


def _as_html(page: MachinePage) -> str:
    title = escaped(page.title)
    number = "" if page.status == 200 else f"<b>{page.status}</b>"
    parts = [f"<h1>{number}{title}</h1>"]
    if page.sentence:
        parts.append(f"<p>{words(page.sentence)}</p>")
    if page.url:
        parts.append(f'<p class="there">{link(page.url, page.url)}</p>')
    parts += map(_section, page.projects)
    if page.idle and page.listed:
        parts += ["<h2>Not running</h2>", "<section>", *map(_row, page.idle), "</section>"]
    elif page.idle:
        parts += [*(f"<pre>{_typed(project)}</pre>" for project in page.idle), LOOK_AGAIN]
    if page.listed and not page.projects and not page.idle:
        parts.append(f"<p>{words(_NOTHING)}</p>")
    if page.home:
        parts.append(f'<p class="hint">{link("All projects of this machine", page.home)}</p>')
    name = title if page.status == 200 else f"{page.status} {title}"
    return document(name, parts, "Answered by rpx, for all projects of this machine.")


def _section(project: ListedProject) -> str:
    rows = "".join(
        f"<li>{link(each.url or each.name, each.url)}{_state(each.state)}</li>"
        for each in project.services
    )
    rows += "".join(f"<li>{escaped(host)}</li>" for host in _wild(project))
    branch = f" <span>on {_apart(project.branch)}</span>" if project.branch else ""
    names = f'<ul class="names">{rows}</ul>' if rows else ""
    if project.dashboard:
        names += f'<p class="hint">{link("Dashboard", project.dashboard)}</p>'
    return (
        f'<section><div class="row"><h2>{_apart(_named(project))}{branch}</h2>'
        f'{_state(project.state)}</div><p class="place"><code>{_apart(_place(project))}</code></p>'
        f"{names}</section>"
    )


def _row(project: IdleProject) -> str:
    hosts = ", ".join(project.hosts[:6]) + (" …" if project.hosts[6:] else "")
    return (
        f"<article><h3>{_apart(_named(project))} <span>{escaped(hosts)}</span></h3>"
        f"<pre>{_typed(project)}</pre></article>"
    )


def _typed(project: IdleProject) -> str:
    return f"<code>{escaped(in_a_line(project.start))}</code>"


def _state(word: str) -> str:
    """A state, with a dot in its colour; the colour alone says nothing."""
    kind = _CALM.get(word, "")
    return f'<span class="state {kind}">{escaped(word)}</span>' if word else ""


def _apart(text: str) -> str:
    """A text that may be written from right to left, and moves nothing beside it."""
    return f"<bdi>{escaped(in_a_line(text))}</bdi>"


def _wild(project: ListedProject) -> list[str]:
    return [host for host in project.hosts if host.startswith("*")]


def _place(project: ListedProject) -> str:
    return project.folder + ("" if project.folder_exists else "  (gone)")


def _named(project: ListedProject | IdleProject) -> str:
    name, realm = project.name, project.realm
    return f"{name} ({realm})" if realm and realm != name else name
