"""Which image a service has in a compose file, and what only a container has."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rpx.export.block_yaml import Noted
from rpx.export.engine_options import options_of
from rpx.export.project_parts import ExportService, Parts
from rpx.export.said import Remarked
from rpx.export.service_env import relative
from rpx.model.container import Container, ImageBuild
from rpx.moving.engine_words import MANY_VALUES, ONE_VALUE, PAIRS, SWITCHES

_ENTRYPOINT = re.compile(r"^\s*ENTRYPOINT\b", re.IGNORECASE | re.MULTILINE)
_ONE = {option.removeprefix("--"): word for word, option in ONE_VALUE.items()} | {
    "network": "network_mode",
    "net": "network_mode",
    "pull": "pull_policy",
    "user": "user",
    "workdir": "working_dir",
}
_MANY = {option.removeprefix("--"): word for word, option in MANY_VALUES.items()}
_PAIRED = {option.removeprefix("--"): word for word, option in PAIRS.items()}
_SWITCHES = {option.removeprefix("--"): word for word, option in SWITCHES.items()} | {
    "init": "init"
}


def placeholder(project: str, service: str) -> str:
    """The name of an image that somebody has to build first."""
    return f"{project}-{service}:dev".lower()


def container_settings(
    service: ExportService, parts: Parts, said: Remarked, volumes: dict[str, None]
) -> dict[str, object]:
    """Return `image` or `build`, and what belongs to a container alone; names of volumes are added
    to `volumes`.
    """
    container = service.start.container
    found = _of_source(service, parts, said) if container is None else _image(container, parts)
    if service.start.user is not None:
        found["user"] = service.start.user
    if container is None:
        return found
    found |= _plain_settings(container)
    if container.volumes:
        found["volumes"] = [_volume(each.source, each, parts) for each in container.volumes]
        volumes |= {each.name: None for each in container.volumes if each.name}
    found |= _options(service, container, said)
    return found


def _of_source(service: ExportService, parts: Parts, said: Remarked) -> dict[str, object]:
    cwd = service.start.cwd
    shown = relative(cwd, parts.root)
    at = service.at
    dockerfile = cwd / "Dockerfile"
    if os.path.isfile(dockerfile):
        if _has_entrypoint(dockerfile):
            why = "the image has an ENTRYPOINT, which gets it as its words"
            said.guessed(service.family, "command", why, (*at, "command"))
        return {"build": shown}
    name = placeholder(parts.config.name, service.family)
    why = f"runs on this machine, and {shown} has no Dockerfile: {name} is an image that nobody has"
    said.guessed(service.family, "image", why, at, "write a Dockerfile, or name an image")
    if cwd != parts.root:
        why = f"{shown} is a folder of this machine; the image has one of its own"
        said.carried(service.family, "cwd", why, (*at, "cwd"))
    return {"image": Noted(name, f"TODO: no Dockerfile in {shown}: write one, or name an image")}


def _has_entrypoint(dockerfile: Path) -> bool:
    try:
        return _ENTRYPOINT.search(dockerfile.read_text("utf-8", "replace")) is not None
    except OSError:
        return False


def _image(container: Container, parts: Parts) -> dict[str, object]:
    found: dict[str, object] = {"image": container.image} if container.image else {}
    build = container.build
    if build is None:
        return found
    context = relative(build.context, parts.root)
    more = {
        "dockerfile": build.dockerfile,
        "target": build.target,
        "args": _args(build),
    }
    written = {name: value for name, value in more.items() if value}
    return {**found, "build": {"context": context, **written} if written else context}


def _args(build: ImageBuild) -> dict[str, object]:
    return {
        name: None if text is None else text.replace("$", "$$") for name, text in build.args.items()
    }


def _plain_settings(container: Container) -> dict[str, object]:
    found: dict[str, object] = {}
    if container.entrypoint is not None:
        found["entrypoint"] = [each.replace("$", "$$") for each in container.entrypoint]
    if container.workdir is not None:
        found["working_dir"] = container.workdir
    if container.shm_size is not None:
        found["shm_size"] = container.shm_size
    if container.platform is not None:
        found["platform"] = container.platform
    if container.tmpfs:
        found["tmpfs"] = list(container.tmpfs)
    if container.extra_hosts:
        found["extra_hosts"] = list(container.extra_hosts)
    return found


def _volume(source: str, volume: object, parts: Parts) -> str:
    target, options = getattr(volume, "target", ""), getattr(volume, "options", "")
    if source.startswith("/"):
        inside = relative(Path(source), parts.root)
        source = inside if inside.startswith(".") else source
    text = f"{source}:{target}" if source else target
    return f"{text}:{options}" if options else text


def _options(service: ExportService, container: Container, said: Remarked) -> dict[str, object]:
    options, others = options_of(container.container_options)
    found: dict[str, object] = {}
    at = (*service.at, "container_options")
    for flag, values in options.items():
        if flag in _ONE:
            found[_ONE[flag]] = values[-1]
        elif flag in _MANY:
            found[_MANY[flag]] = values
        elif flag in _PAIRED:
            found[_PAIRED[flag]] = dict(each.partition("=")[::2] for each in values)
        elif flag == "ulimit":
            found["ulimits"] = dict(map(_ulimit, values))
        elif flag in _SWITCHES:
            found[_SWITCHES[flag]] = values[-1] != "false"
        else:
            said.lost(service.family, f"--{flag}", "rpx knows no word of compose's for it", at)
    for each in others:
        said.lost(service.family, each, "rpx knows no word of compose's for it", at)
    return found


def _ulimit(text: str) -> tuple[str, object]:
    name, _, limit = text.partition("=")
    soft, colon, hard = limit.partition(":")
    numbers = [int(each) for each in (soft, hard) if each.lstrip("-").isdecimal()]
    if len(numbers) == 2:
        return name, {"soft": numbers[0], "hard": numbers[1]}
    return name, numbers[0] if numbers and not colon else limit
