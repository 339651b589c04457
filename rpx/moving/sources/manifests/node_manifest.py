"""Node: what the scripts of a package.json serve, and at which port."""

from __future__ import annotations

import re

from rpx.moving.remarks import Origin
from rpx.moving.sources.manifests.node_package import MANIFEST, NodePackage, package_of
from rpx.moving.sources.manifests.node_scripts import NodeScript
from rpx.moving.sources.manifests.node_tools import NODE_TOOLS, RUNTIMES, SERVING, NodeTool
from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder

_SOURCES = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts")
_SUFFIXES = ("", *_SOURCES, "/index.js", "/index.ts")
_USUAL_FILES = (
    "server.js", "index.js", "app.js", "main.js", "src/index.js", "src/server.js", "src/index.ts",
    "src/server.ts", "src/main.ts", "server.ts", "index.ts",
)  # fmt: skip
_READS_PORT = (
    r"""\benv(?:\.PORT\b|\[['"]PORT['"]\]|\.get\(['"]PORT['"]\))"""
    r"|\{[^}=]*\bPORT\b[^}]*\}\s*=\s*process\.env"
)
_LISTENS = r"\.listen\(\s*(?:\{\s*port:\s*)?(\d{2,5})\b|\b(?:port|PORT)\b\s*[:=]\s*(\d{4,5})\b"
_SERVES = r"\.listen\(|createServer\(|Bun\.serve\(|Deno\.serve\(|\bserve\(\s*\{"
# Dev servers that pages of another server load their scripts from.
_ASSETS_OF = frozenset({
    "laravel-vite-plugin", "vite-plugin-ruby", "vite-plugin-rails", "vite-plugin-symfony",
})  # fmt: skip


def node_programs(folder: SourceFolder, *, for_assets: bool = False) -> list[Runnable]:
    """What the package of a folder runs: its dev server, or its own program.

    `for_assets`: another server sends the pages, and this one is there for their scripts.
    """
    package = package_of(folder)
    if package is None:
        return []
    script = package.script()
    if script is None:
        return _without_script(package)
    if script.runs_several:
        return []
    tool = NODE_TOOLS.get(script.program)
    if tool is not None and script.verb in tool.verbs and "--watch" not in script.words:
        found = _by_tool(package, script, tool)
    elif script.program in RUNTIMES:
        found = _by_source(package, script, package.run(script.name), package.origin(script.name))
    else:
        found = _unknown(package, script)
    if for_assets or (found.server and package.needs & _ASSETS_OF):
        return [_assets(package, script)]
    return [_installed(package, found)]


def _by_tool(package: NodePackage, script: NodeScript, tool: NodeTool) -> Runnable:
    origin = package.origin(script.name)
    written = package.folder.find_in(
        [name for name in tool.configs if package.folder.has(name)],
        r"\bserver\s*:\s*\{[^{}]*?\bport\s*:\s*(\d{2,5})\b",
    )
    port = script.port or (int(written.match[1]) if written else None)
    takes = script.takes_port or port is not None
    settings = {"env": dict(tool.env)} if tool.env else {}
    found = Runnable(
        name=package.folder.path.name if package.folder.below else "web",
        command=package.run(script.name, "" if takes else tool.arguments),
        origin=origin,
        listens=port,
        usual=tool.usual,
        settings=settings,
    )
    if port is not None:
        where = written.origin if written and not script.port else origin
        return found.carried("port", f"it listens on {port}, as it says", where)
    return found


def _by_source(
    package: NodePackage, script: NodeScript | None, command: str, origin: Origin
) -> Runnable:
    """A program of one's own: its file says whether it serves, and where."""
    folder, entry = package.folder, _entry(package, script)
    files = [entry] if entry else []
    found = Runnable("web", command, origin, usual=3000)
    if script and (script.port or script.takes_port):
        return Runnable("web", command, origin, listens=script.port, usual=3000)
    for names in (files, folder.files(*_SOURCES)):
        if reads := folder.find_in(names, _READS_PORT):
            return found.carried("port", "it reads PORT", reads.origin)
        if fixed := folder.find_in(names, _LISTENS):
            port = int(fixed.match[1] or fixed.match[2])
            return found.fixed(port, fixed.origin, "let it read process.env.PORT")
    serves = folder.find_in([*files, *folder.files(*_SOURCES)], _SERVES)
    if serves or package.needs & SERVING:
        where = serves.origin if serves else folder.at(MANIFEST)
        return found.guessed("port", "nothing says where it listens: PORT is a guess", where,
                             "if it listens elsewhere, write `from`")  # fmt: skip
    return Runnable("worker", command, origin, server=False)


def _entry(package: NodePackage, script: NodeScript | None) -> str:
    """The file with which a program begins; "" if none is found."""
    words = [word for word in script.words if not word.startswith("-")] if script else []
    if script and script.program == "nest":
        words = ["src/main"]
    for word in [*words, package.main, *_USUAL_FILES]:
        for suffix in _SUFFIXES:
            name = word.removeprefix("./") + suffix
            inside = name and ".." not in name and not name.startswith("/")
            if (
                inside
                and re.search(r"\.[cm]?[jt]s$|/www$", name)
                and (package.folder.path / name).is_file()
            ):
                return name
    return ""


def _without_script(package: NodePackage) -> list[Runnable]:
    """A program without a script to start it: node runs what is its main file."""
    entry = _entry(package, None)
    if not entry.endswith(("js", "cjs", "mjs")):
        return []
    origin = package.folder.at(entry)
    found = _by_source(package, None, f"node {entry}", origin)
    if not found.server:
        return []  # a library has a main file, too
    return [_installed(package, found)]


def _unknown(package: NodePackage, script: NodeScript) -> Runnable:
    origin = package.origin(script.name)
    if script.port or script.takes_port:
        command = package.run(script.name)
        return Runnable("web", command, origin, listens=script.port, usual=script.port)
    return Runnable("watch", package.run(script.name), origin, server=False).guessed(
        script.program or script.name,
        "rpx doesn't know whether it serves anything: it is a process, and gets no requests",
        origin,
        "to give it a host, move it to `proxies`, with `to` and, if it doesn't read PORT, `from`",
    )


def _assets(package: NodePackage, script: NodeScript) -> Runnable:
    """A dev server whose address the pages of another server name: it stays where it is."""
    origin = package.origin(script.name)
    beside = Runnable("assets", package.run(script.name), origin, server=False)
    return _installed(package, beside)


def _installed(package: NodePackage, found: Runnable) -> Runnable:
    if package.installed:
        return found
    return found.guessed(
        "node_modules", "its packages aren't installed yet", package.folder.at(MANIFEST),
        f"run `{package.manager} install` first",
    )  # fmt: skip
