"""Several sources of one folder: who has the word where two of them run the same.

A Procfile.dev runs on this machine what compose.yaml would build an image of. The same code twice
is never meant, so a later source runs nothing of its own in a folder that an earlier one runs
something in; its images, the databases, are what it is there for. And where somebody has written
down what runs, nothing is guessed from the files of frameworks.
"""

from __future__ import annotations

from collections.abc import Sequence
from os.path import normpath

from rpx.moving.draft import Draft, DraftService
from rpx.moving.sources_apart import keep_apart


def join_all(drafts: Sequence[Draft]) -> Draft:
    """One draft, in which the first ones have precedence."""
    whole = Draft()
    keep_apart(drafts)
    for draft in drafts:
        if draft.is_guess and any(map(_runs_sources, whole.services.values())):
            continue
        taken = {folder: s for s in whole.services.values() if (folder := folder_of(s)) is not None}
        for service in list(draft.services.values()):
            folder = folder_of(service)
            there = whole.services.get(service.name) or (taken.get(folder) if folder else None)
            if there is not None:
                draft.lost(
                    service.name,
                    "the whole service",
                    f"`{there.name}` of {there.origin} is run in its place",
                    service.origin,
                    f"if you want both, import them by name: `rpx import {service.origin.file}`",
                )
                del draft.services[service.name]
        whole.join(draft)
    return whole


def folder_of(service: DraftService) -> str | None:
    """The folder of this machine that a service runs in; None for a container or what has none."""
    start = start_of(service)
    if not start.get("command") or "image" in start or "build" in start:
        return None
    return normpath(str(start.get("cwd", ".")))


def _runs_sources(service: DraftService) -> bool:
    return folder_of(service) is not None or "build" in start_of(service)


def start_of(service: DraftService) -> dict[str, object]:
    """What says how a service is run: `start` of a proxy, all of a process."""
    if not service.is_proxy:
        return service.settings
    start = service.settings.get("start", {})
    return start if isinstance(start, dict) else {"command": start}
