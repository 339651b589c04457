"""What is said of settings that have no place in rpx.yaml, and what `develop` becomes."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rpx.moving.draft import Draft
from rpx.moving.lined import Lined
from rpx.moving.remarks import Origin
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.unneeded_keys import (
    MEANINGLESS,
    OF_BUILD,
    OF_CONTAINERS,
    OF_DEPLOY,
    SILENT,
    TAKEN,
)

_CLUSTER = "it is for a cluster"
_RESTARTS = {"restart", "sync+restart", "rebuild"}


def say_lost(
    service: ComposeService, project: ComposeProject, draft: Draft, done: set[str]
) -> None:
    """A remark for each setting that isn't carried over. `done`: those that are, as options."""
    for key, value in service.written.mapping.items():
        if value.value is None or value.value in ([], {}) or key.startswith("x-"):
            continue
        if key in {"build", "deploy"}:
            _inside(service, key, value, draft)
        elif key in done or key in SILENT:
            continue
        elif service.is_process and key in {"user", "volumes", "configs", "secrets"}:
            _of_process(service, key, value, project, draft)
        elif not _is_off(project, value) and (why := _why_lost(service, key)):
            draft.lost(service.new, key, *why)


def _why_lost(service: ComposeService, key: str) -> tuple[str, Origin, str] | None:
    """The rest of a remark; None for what is carried over."""
    if service.is_process and key in OF_CONTAINERS:
        return OF_CONTAINERS[key], service.at(key), ""
    if key in TAKEN:
        return None
    why, hint = MEANINGLESS.get(key, ("rpx doesn't know this setting", ""))
    return why, service.at(key), hint


def _is_off(project: ComposeProject, value: Lined) -> bool:
    return project.filled(value).lower() == "false"


def _inside(service: ComposeService, key: str, value: Lined, draft: Draft) -> None:
    """Parts of settings that are carried over otherwise."""
    if key == "build":
        kept = {"context"} if service.is_process else OF_BUILD
        why = (
            "it runs from source: no image is built"
            if service.is_process
            else "rpx has no word for it"
        )
        for word in value.mapping.keys() - kept - {"x-"}:
            if word == "dockerfile" and service.is_process:
                continue
            draft.lost(service.new, f"build.{word}", why, value.at(word))
    elif key == "deploy":
        for word, inner in value.mapping.items():
            if word not in OF_DEPLOY:
                draft.lost(service.new, f"deploy.{word}", _CLUSTER, value.at(word))
            elif word == "resources":
                _resources(service, inner, draft)


def _resources(service: ComposeService, value: Lined, draft: Draft) -> None:
    for word in value.mapping:
        if word == "limits" and not service.is_process:
            continue
        why = "rpx limits no process of this machine" if word == "limits" else _CLUSTER
        draft.lost(service.new, f"deploy.resources.{word}", why, value.at(word))


def _of_process(
    service: ComposeService, key: str, value: Lined, project: ComposeProject, draft: Draft
) -> None:
    """What is mounted into a container a process has anyway, or not at all."""
    if key == "user":
        why = "it runs as you: the users of an image aren't those of this machine"
        draft.lost(service.new, key, why, service.at(key))
        return
    for item in value.items:
        text = item.text or project.filled(item.get("source")) or project.filled(item.get("target"))
        if key == "volumes":
            why, hint, carried = _volume(item, project)
            say = draft.carried if carried else draft.lost
            say(service.new, f"volumes: {text}", why, item.origin, hint)
        else:
            hint = "name the file itself, in a variable"
            why = "nothing is mounted for a process of this machine"
            draft.lost(service.new, f"{key}: {text}", why, item.origin, hint)


def _volume(item: Lined, project: ComposeProject) -> tuple[str, str, bool]:
    filled = project.filled(item)
    source, colon, _ = filled.partition(":")
    if item.mapping:
        source = project.filled(item.get("source"))
        colon = ":" if source else ""
    if not colon:
        return "it has the folder as it is on this machine", "", False
    if source.startswith((".", "/", "~")):
        path = os.path.normpath(project.folder / os.path.expanduser(source))
        if os.path.isdir(path):
            return "it works in the folder itself", "", True
        return "it sees the files of this machine where they are", "see that it finds it", False
    hint = "what it keeps there it now keeps where its settings say"
    return f"a process has no volumes; `{source}` stays where it is", hint, False


def watch_of(service: ComposeService, project: ComposeProject, draft: Draft) -> list[str]:
    """`develop.watch` of a process: what restarts it. Files needn't be copied to anywhere."""
    develop = service.get("develop")
    written = develop.get("watch") if develop else None
    return list(dict.fromkeys(_watched(service, written, project, draft))) if written else []


def _watched(
    service: ComposeService, written: Lined, project: ComposeProject, draft: Draft
) -> Iterator[str]:
    for item in written.items:
        action, path = project.filled(item.get("action")), project.filled(item.get("path"))
        if action not in _RESTARTS:
            why = "it sees changed files by itself"
            draft.carried(service.new, f"develop.watch: {path}", why, item.origin)
            continue
        folder = service.folder or project.folder
        relative = os.path.relpath(os.path.normpath(project.folder / path), folder)
        if relative.startswith(".."):
            why = "it isn't below the folder that it runs in"
            draft.lost(service.new, f"develop.watch: {path}", why, item.origin)
            continue
        yield f"{relative}/" if (folder / relative).is_dir() and relative != "." else relative
        ignore = item.get("ignore")
        for each in (ignore.items or [ignore]) if ignore else ():
            pattern = project.filled(each)
            base = "" if relative == "." else f"{relative.rstrip('/')}/"
            yield f"!{base}{pattern.removeprefix('./')}"
