"""The command of a service that runs from source: compose's, else one that is guessed."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from rpx.config.variables.env_files import label_of
from rpx.errors import RpxError
from rpx.moving.draft import Draft
from rpx.moving.given import text_of_file
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.command_text import for_shell
from rpx.moving.sources.compose.compose_service import ComposeService

_SCRIPTS = ("dev", "develop", "start:dev", "serve", "start")
_MANAGERS = {"pnpm-lock.yaml": "pnpm", "yarn.lock": "yarn", "bun.lockb": "bun", "bun.lock": "bun"}


@dataclass(frozen=True, slots=True)
class SourceCommand:
    """`guessed`: it is not compose's. `fails`: it only says that there is none."""

    command: str | list[str]
    guessed: bool = False
    fails: bool = False


def source_command(service: ComposeService, draft: Draft) -> SourceCommand:
    """What to run, with what there is to say about it."""
    parts = [part for key in ("entrypoint", "command") if (part := service.get(key)) is not None]
    parts = [part for part in parts if part.value not in ("", [])]
    if parts:
        return SourceCommand(for_shell(parts))
    folder = service.folder
    if folder is not None and (found := _script(folder)):
        command, origin = found
        why = f"`{command}`: compose has none, and this is what package.json has for developers"
        draft.guessed(service.new, "command", why, origin, "compare it with the Dockerfile")
        return SourceCommand(command, guessed=True)
    dockerfile = service.dockerfile
    if dockerfile and dockerfile.command and not _is_of_the_image(dockerfile.command, folder):
        why = f"`{dockerfile.command}`: compose has none, and this is the Dockerfile's"
        hint = "it was meant for the image: see that it fits the source here"
        draft.guessed(service.new, "command", why, dockerfile.origin, hint)
        return SourceCommand(dockerfile.command, guessed=True)
    where = dockerfile.origin if dockerfile else service.origin
    why = "nothing that could be run from source was found: its command only says so, and fails"
    if dockerfile and dockerfile.command:
        why = f"`{dockerfile.command}` of the Dockerfile is a program of the image; here it fails"
    elif "build" not in service.written.mapping:
        why = "it has neither `image` nor `build`: its command only says so, and fails"
    hint = "write what starts it here; or `build:` in place of `command`, for a container"
    draft.lost(service.new, "command", why, where, hint)
    return SourceCommand(
        f"echo '{service.new}: rpx found no command for it; write one in rpx.yaml' >&2; exit 1",
        fails=True,
    )


def _script(folder: Path) -> tuple[str, Origin] | None:
    """What package.json has for developers, and the line of it."""
    path = folder / "package.json"
    if not path.is_file():
        return None
    try:
        text = text_of_file(path)
        scripts = json.loads(text).get("scripts")
    except (RpxError, ValueError, AttributeError):
        return None
    if not isinstance(scripts, dict):
        return None
    name = next((each for each in _SCRIPTS if isinstance(scripts.get(each), str)), None)
    if name is None:
        return None
    manager = next((how for lock, how in _MANAGERS.items() if (folder / lock).exists()), "npm")
    found = re.search(rf'"{re.escape(name)}"\s*:', text[text.find('"scripts"') :])
    at = (found.start() if found else 0) + text.find('"scripts"')
    command = f"{manager} run {name}" if name != "start" else f"{manager} start"
    return command, Origin(label_of(path), text.count("\n", 0, at) + 1)


def _is_of_the_image(command: str, folder: Path | None) -> bool:
    """Whether it is a program that was put into the image, as `/usr/local/bin/backend`."""
    first = command.lstrip("'\"").partition(" ")[0]
    if first.startswith("./"):
        return folder is None or not (folder / first).exists()
    return first.startswith(("/", "tini", "dumb-init", "docker-entrypoint"))
