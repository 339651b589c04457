"""A container as a unit: the engine's client in the foreground, which systemd looks after."""

from __future__ import annotations

from collections.abc import Iterator

from rpx.export.project_parts import ExportService, Parts
from rpx.export.service_env import Environment
from rpx.export.unit_words import argument
from rpx.model.container import Container, ImageBuild


def container_lines(
    service: ExportService, unit: str, number: int, parts: Parts, env: Environment
) -> Iterator[str]:
    """Yield the lines of `[Service]` that build, run and stop one. `unit` is its name."""
    container = service.start.container
    assert container is not None  # noqa: S101 - who asks has looked
    engine = parts.config.containers or "docker"
    image = container.image or f"{unit}:dev"
    client = f"/usr/bin/env {engine}"
    if container.build is not None:
        yield f"ExecStartPre={client} {_words(_building(container.build, image))}"
    yield f"ExecStartPre=-{client} rm -f {unit}"
    words = ["run", "--rm", "--init", "--name", unit]
    for here, inside in service.ports:
        if service.copies > 1 and inside == service.port:
            here = inside  # noqa: PLW2901 - copies have the ports from there upward
        if here is not None:
            words += ["-p", f"127.0.0.1:{here + number - 1}:{inside}"]
    for name in _told(service, env):
        words += ["-e", name]
    words += _options(container, service, parts)
    yield f"ExecStart={client} {_words([*words, image, *service.start.command])}"
    grace = max(1, round(service.start.stop_grace_period))
    yield f"ExecStop={client} stop -t {grace} {unit}"


def _told(service: ExportService, env: Environment) -> list[str]:
    """The names of the variables that it gets, with what the unit says of them."""
    names = dict.fromkeys(env.own(service))
    names |= dict.fromkeys(each.name for each in env.variables(service) if not each.taken)
    return list(names)


def _options(container: Container, service: ExportService, parts: Parts) -> list[str]:
    words: list[str] = []
    for volume in container.volumes:
        source = f"{parts.config.name}_{volume.name}" if volume.name else volume.source
        text = f"{source}:{volume.target}" if source else volume.target
        words += ["-v", f"{text}:{volume.options}" if volume.options else text]
    for flag, value in (
        ("--workdir", container.workdir),
        ("--shm-size", container.shm_size),
        ("--platform", container.platform),
        ("--user", service.start.user),
        ("--stop-signal", container.stop_signal),
    ):
        words += [flag, str(value)] if value is not None else []
    for place in container.tmpfs:
        words += ["--tmpfs", place]
    for host in container.extra_hosts:
        words += ["--add-host", host]
    if container.entrypoint is not None:
        words += ["--entrypoint", " ".join(container.entrypoint)]
    return [*words, *container.container_options]


def _building(build: ImageBuild, image: str) -> list[str]:
    words = ["build", "-t", image]
    if build.dockerfile is not None:
        words += ["-f", str(build.context / build.dockerfile)]
    if build.target is not None:
        words += ["--target", build.target]
    for name, text in build.args.items():
        words += ["--build-arg", name if text is None else f"{name}={text}"]
    return [*words, str(build.context)]


def _words(words: list[str]) -> str:
    return " ".join(map(argument, words))
