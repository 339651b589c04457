"""The draft of a folder of known frameworks: names, hosts, and ports that others count on."""

from __future__ import annotations

import re
from dataclasses import replace
from os.path import normpath

from rpx.moving.draft import Draft, DraftService, Written
from rpx.moving.given import Given
from rpx.moving.remarks import Origin
from rpx.moving.service_names import fresh, name_of
from rpx.moving.sources.manifests.framework_folders import PAGES, Located
from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder
from rpx.moving.starter import host_label

# Where a part says whom it calls, the more telling ones first.
_SAYING = re.compile(
    r"(?:vite|next|nuxt|astro|svelte|webpack|vue|rsbuild|quasar)\.config\.\w+$|proxy\.conf\.js\w*$"
    r"|setupProxy\.\w+$|package\.json$|\.env(?:\.\w+)*$"
)
_SOURCES = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".vue", ".svelte", ".json", ".py", ".rb", ".go")
_ENV_FILES = (".env", ".env.development", ".env.local", ".env.development.local")


def framework_draft(found: list[Located], given: Given) -> Draft:
    """What was found, as services."""
    draft = Draft(is_guess=True)
    label = host_label(given.root.name)
    named = _named(found)
    main = _main(named)
    ports: dict[int, str] = {}
    for name, (folder, program) in named.items():
        port = program.listens or _counted_on(name, folder, program, named, draft)
        if port in ports:
            draft.guessed(name, "port", f"`{ports[port]}` is at {port}, too", program.origin,
                          "give one of them another port, and write it as its `from`")  # fmt: skip
            port = None
        elif port:
            ports[port] = name
        settings = _settings(given.below_root(folder.path), program)
        if program.server:
            host = f"{label}.localhost" if name == main else f"{host_label(name)}.{label}.localhost"
            settings = _entry(name, host, port, settings)
        draft.add(DraftService(name, settings, program.origin))
        draft.remarks += [replace(remark, service=name) for remark in program.remarks]
    _origins(draft, named)
    return draft


def _named(found: list[Located]) -> dict[str, Located]:
    """Each under a name of its own: the server of a part is called like its folder."""
    named: dict[str, Located] = {}
    for folder, program in found:
        part = name_of(folder.path.name) if folder.below else ""
        name = part if part and program.server else program.name
        if name in named:
            name = f"{part}-{program.name}" if part and part != name else name
        named[fresh(name_of(name), named)] = (folder, program)
    return named


def _main(named: dict[str, Located]) -> str:
    """Who has the host of the project: pages before all else."""
    servers = [name for name, (_, program) in named.items() if program.server]
    return next((name for name in PAGES if name in servers), servers[0] if servers else "")


def _settings(below: str, program: Runnable) -> Written:
    settings: Written = {"command": program.command} if program.command else {}
    if below != "." and program.command:
        settings["cwd"] = below
    for word, written in program.settings.items():
        settings[word] = _below(below, written) if word in {"static", "build"} else written
    return settings


def _below(folder: str, written: object) -> object:
    """A path in a folder, or a mapping with one, from the root."""
    if isinstance(written, dict):
        return {**written, "context": _below(folder, written["context"])}
    path = normpath(f"{folder}/{written}")
    return path if path.startswith(".") else f"./{path}"


def _entry(name: str, host: str, port: int | None, settings: Written) -> Written:
    entry: Written = {"to": host}
    if name != host.partition(".")[0]:
        entry["name"] = name
    if "static" in settings:
        return {**entry, **settings}
    if port:
        entry["from"] = f"localhost:{port}"
    entry["start"] = settings["command"] if set(settings) == {"command"} else settings
    return entry


def _counted_on(
    name: str, folder: SourceFolder, program: Runnable, named: dict[str, Located], draft: Draft
) -> int | None:
    """The port that a server has by itself, where another part of the project names it."""
    if not program.server or program.usual is None:
        return None
    for other, (place, beside) in named.items():
        if place.path == folder.path or not beside.server:
            continue
        if said := _says(place, program.usual):
            draft.carried(name, "port", f"`{other}` looks for it at {program.usual}", said)
            return program.usual
    return None


def _says(folder: SourceFolder, port: int) -> Origin | None:
    names = [name for name in _ENV_FILES if folder.has(name)] + folder.files(*_SOURCES)
    names.sort(key=lambda name: not _SAYING.search(name))
    found = folder.find_in(names, rf"(?:localhost|127\.0\.0\.1):{port}\b")
    return found.origin if found else None


def _origins(draft: Draft, named: dict[str, Located]) -> None:
    """Say which server lets only pages of localhost:PORT read its answers: they have names now."""
    for name, (folder, program) in named.items():
        for other, (place, pages) in named.items():
            calls = program.server and pages.server and place.path != folder.path
            if not calls or pages.usual is None or name not in draft.services:
                continue
            names = folder.files(*_SOURCES)
            found = folder.find_in(
                names, rf"(?i)(?:origin|cors)[^\n]*\n?[^\n]*localhost:{pages.usual}\b"
            )
            if found:
                host = draft.services[other].settings["to"]
                why = f"it lets pages of localhost:{pages.usual} read its answers"
                draft.guessed(name, "CORS", why, found.origin, f"add http://{host}")
