"""Settings of compose that only a container has, as options of its engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rpx.moving.draft import Draft
from rpx.moving.engine_words import MANY_VALUES, ONE_VALUE, PAIRS, SWITCHES
from rpx.moving.lined import Lined
from rpx.moving.sources.compose.compose_files import ComposeProject
from rpx.moving.sources.compose.compose_service import ComposeService
from rpx.moving.sources.compose.merging import pairs

_PULL = {"always": "always", "missing": "missing", "if_not_present": "missing", "never": "never"}


def engine_options(
    service: ComposeService, project: ComposeProject, draft: Draft
) -> tuple[list[str], set[str]]:
    """Options for the engine, and the settings that they are for."""
    options: list[str] = []
    done: set[str] = set()
    for key, value in service.written.mapping.items():
        found = [each.replace("$", "$$") for each in _options(key, value, project)]
        if found:
            options += found
            done.add(key)
            if key not in {"hostname", "pull_policy"}:
                why = f"`container_options: {' '.join(found)}`"
                draft.carried(service.new, key, why, service.at(key), kept=True)
    return options, done


def _options(key: str, value: Lined, project: ComposeProject) -> Iterator[str]:
    text = project.filled(value)
    if key in ONE_VALUE and text:
        yield from (ONE_VALUE[key], text)
    elif key in SWITCHES:
        yield f"{SWITCHES[key]}=false" if text.lower() == "false" else SWITCHES[key]
    elif key in MANY_VALUES:
        for each in filter(None, map(project.filled, value.items or [value])):
            yield from (MANY_VALUES[key], each)
    elif key in PAIRS:
        for name, inner in pairs(value).mapping.items():
            yield from (PAIRS[key], f"{name}={project.filled(inner)}")
    elif key in _OTHERS:
        yield from _OTHERS[key](value, project)


def _pulling(value: Lined, project: ComposeProject) -> Iterator[str]:
    if (text := project.filled(value)) in _PULL:
        yield from ("--pull", _PULL[text])


def _network(value: Lined, project: ComposeProject) -> Iterator[str]:
    if (text := project.filled(value)) in {"host", "none"}:
        yield from ("--network", text)


def _ulimits(value: Lined, project: ComposeProject) -> Iterator[str]:
    for name, limit in value.mapping.items():
        soft, hard = limit.get("soft"), limit.get("hard")
        if limit.mapping:
            both = f"{project.filled(soft or hard)}:{project.filled(hard or soft)}"
        else:
            both = project.filled(limit)
        yield from ("--ulimit", f"{name}={both}")


def _limits(deploy: Lined, project: ComposeProject) -> Iterator[str]:
    resources = deploy.get("resources")
    limits = resources.get("limits") if resources else None
    for word, option in (("cpus", "--cpus"), ("memory", "--memory"), ("pids", "--pids-limit")):
        if limits and (text := project.filled(limits.get(word))):
            yield from (option, text)


_OTHERS: dict[str, Callable[[Lined, ComposeProject], Iterator[str]]] = {
    "ulimits": _ulimits,
    "pull_policy": _pulling,
    "network_mode": _network,
    "deploy": _limits,
}
