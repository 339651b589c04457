"""What a script of a package.json comes to: `npm run dev` is what `dev` says there."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from rpx.moving.given import LARGEST, origin
from rpx.moving.remarks import Origin

_RUN = re.compile(
    r"\s*(?P<manager>npm|pnpm|yarn|bun)"
    r"(?P<options>(?:\s+--?(?:prefix|cwd|dir|C)[ =]\S+|\s+-C \S+)*)"
    r"\s+(?:run(?:-script)?\s+)?(?P<script>[\w:.@/-]+)(?P<more>.*)\Z",
    re.DOTALL,
)
_FOLDER = re.compile(r"\s*(?:--prefix|--cwd|--dir|-C)[ =](\S+)")
_CD = re.compile(r"\s*cd\s+([\w./@-]+)\s*&&\s*(.*)\Z", re.DOTALL)
_NO_SCRIPTS = {"run", "exec", "install", "ci", "dlx", "x", "i", "add", "workspace", "workspaces"}
_DEEPEST = 6


@dataclass(frozen=True, slots=True)
class Resolved:
    """A command in its folder, and the text of the script behind it with the place of that."""

    command: str
    folder: Path
    text: str
    origin: Origin | None = None


def scripts_of(folder: Path) -> dict[str, str]:
    """The scripts of a folder's package.json; {} where there is none."""
    file = folder / "package.json"
    try:
        if not file.is_file() or file.stat().st_size > LARGEST:
            return {}
        content = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    scripts = content.get("scripts") if isinstance(content, dict) else None
    if not isinstance(scripts, dict):
        return {}
    return {name: text for name, text in scripts.items() if isinstance(text, str)}


def script_origin(folder: Path, script: str) -> Origin:
    """Where a script stands."""
    file = folder / "package.json"
    found = re.search(rf'"{re.escape(script)}"\s*:', file.read_text("utf-8"))
    text = file.read_text("utf-8")
    return origin(file, text.count("\n", 0, found.start()) + 1 if found else 0)


def resolved(command: str, folder: Path, depth: int = 0) -> Resolved:
    """A command without the scripts and folders that it goes through.

    `cd client && npm run dev` is `npm run dev` in client, and `npm run api` of one folder, which
    says `npm run dev --prefix server`, is `npm run dev` in server. A script that does something
    itself stays a script, for its tools are on its path alone.
    """
    if (entered := _CD.match(command)) and (folder / entered[1]).is_dir():
        return resolved(entered[2], folder / entered[1], depth)
    found = _RUN.match(command)
    if found is None or depth > _DEEPEST or found["script"] in _NO_SCRIPTS:
        return Resolved(command, folder, command)
    more, options = found["more"], found["options"]
    behind = _FOLDER.match(more)
    if behind:
        more = more[behind.end() :]
    where = behind or _FOLDER.match(options)
    if where is not None:
        folder = folder / where[1]
    said = scripts_of(folder).get(found["script"])
    if said is None:
        return Resolved(command, folder, command)
    here = script_origin(folder, found["script"])
    inner = resolved(said, folder, depth + 1)
    if not more.strip() and (inner.folder != folder or _RUN.match(said)):
        return inner if inner.origin else Resolved(inner.command, inner.folder, inner.text, here)
    run = "" if found["manager"] == "yarn" or found["script"] == "start" else "run "
    plain = f"{found['manager']} {run}{found['script']}{more.rstrip()}"
    return Resolved(plain, folder, f"{inner.text} {more.strip().removeprefix('-- ')}".strip(), here)
