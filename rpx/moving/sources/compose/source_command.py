"""The command of a service that runs from source: compose's, else one that is guessed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rpx.moving.draft import Draft
from rpx.moving.sources.compose.command_text import for_shell
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.manifests.framework_folders import programs_in
from rpx.moving.sources.manifests.runnable import Runnable
from rpx.moving.sources.manifests.source_folder import SourceFolder


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
    if folder is not None and (found := _of_the_framework(folder)):
        env = found.settings.get("env", {})
        command = " ".join([*(f"{name}={value}" for name, value in env.items()), found.command])
        why = f"`{command}`: compose has none, and this is what its framework's files say"
        draft.guessed(service.new, "command", why, found.origin, "compare it with the Dockerfile")
        draft.remarks += [replace(remark, service=service.new) for remark in found.remarks]
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


def _of_the_framework(folder: Path) -> Runnable | None:
    """What the files in the folder of its sources say: its server, else what else it has."""
    found = programs_in(SourceFolder(folder, folder))
    return next((each for each in found if each.server), found[0] if found else None)


def _is_of_the_image(command: str, folder: Path | None) -> bool:
    """Whether it is a program that was put into the image, as `/usr/local/bin/backend`."""
    first = command.lstrip("'\"").partition(" ")[0]
    if first.startswith("./"):
        return folder is None or not (folder / first).exists()
    return first.startswith(("/", "tini", "dumb-init", "docker-entrypoint"))
