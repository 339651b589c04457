"""What an engine is told, word by word. Pure: from what a container is to be to a command line."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rpx.model.container import Container, ImageBuild, Volume

# Variables by which the client itself would go: a container gets them by value, others by name, so
# that no password stands on a command line that everybody may read.
CLIENTS_OWN: Final = re.compile(
    r"PATH|HOME|USER|LANG|LC_.*|TMPDIR|TERM|LD_.*|GO[A-Z]*|XDG_.*|SSL_.*|.*_PROXY|SSH_.*"
    r"|DBUS_.*|DOCKER_.*|BUILDKIT_.*|CONTAINERS?_.*|PODMAN_.*|REGISTRY_.*|STORAGE_.*|NETAVARK.*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Running:
    """One container as it is about to be started.

    `image` is by name. `ports` are published: the address of this machine, its port, and the one
    inside. `stdin`: that of the client is passed on. It is known by its `alias` in the
    `network` of its project, and knows this machine by `gateway` ("": by itself).
    """

    name: str
    image: str
    labels: Mapping[str, str]
    cid_file: str
    ports: Sequence[tuple[str, int, int]] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    command: Sequence[str] = ()
    volumes: Sequence[Volume] = ()
    stdin: bool = False
    tty: bool = False
    user: str | None = None
    init: bool = True
    network: str = ""
    alias: str = ""
    gateway: str = ""


def run_words(container: Container, running: Running, own: Collection[str]) -> tuple[str, ...]:
    """Return what comes behind the engine's name to run a container in the foreground.

    `own` are the variables that the client has of this machine's.
    """
    words = ["run", "--rm", *(["--init"] if running.init else []), "--name", running.name]
    for label, value in running.labels.items():
        words += ["--label", f"{label}={value}"]
    words += ["--cidfile", running.cid_file]
    words += ["--interactive"] * running.stdin + ["--tty"] * running.tty
    if running.user is not None:
        words += ["--user", running.user]
    words += _reached(container, running)
    for volume in running.volumes:
        words += ["--volume", ":".join(filter(None, _parts(volume)))]
    for name, text in running.environment.items():
        words += ["--env", f"{name}={text}" if is_by_value(name, own) else name]
    words += _options(container)
    if container.entrypoint is not None:
        words += ["--entrypoint", container.entrypoint[0] if container.entrypoint else ""]
    more = (container.entrypoint or ())[1:]
    return (*words, *container.container_options, running.image, *more, *running.command)


def _reached(container: Container, running: Running) -> list[str]:
    """Return the words for its network, and for where it is reached from this machine."""
    if container.on_the_host:
        return []
    words = []
    if running.network and not container.own_network:
        words += ["--network", running.network, "--network-alias", running.alias]
    if running.gateway:
        words += ["--add-host", f"{running.gateway}:host-gateway"]
    for host, port, inside in running.ports:
        words += ["--publish", f"{_in_brackets(host)}:{port}:{inside}"]
    return words


def is_by_value(name: str, own: Collection[str]) -> bool:
    """Whether a variable of a container can't be one of its client, too."""
    return name in own or CLIENTS_OWN.fullmatch(name) is not None


def _parts(volume: Volume) -> tuple[str, ...]:
    return volume.source, volume.target, volume.options


def _in_brackets(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _options(container: Container) -> list[str]:
    single = {
        "--workdir": container.workdir,
        "--platform": container.platform,
        "--shm-size": container.shm_size,
        "--stop-signal": _signal(container.stop_signal),
    }
    words = [word for flag, value in single.items() if value for word in (flag, str(value))]
    for each in container.tmpfs:
        words += ["--tmpfs", each]
    for each in container.extra_hosts:
        words += ["--add-host", each]
    return words


def _signal(number: int | None) -> str:
    """By name: what runs in the container may have other numbers than this system."""
    return signal.Signals(number).name if number else ""


def stop_words(container: str, grace: float) -> tuple[str, ...]:
    """Return those that stop it by the image's own signal, and kill it after so many seconds."""
    return "stop", "-t", str(math.ceil(grace)), container


def kill_words(container: str, signum: int) -> tuple[str, ...]:
    """Return those that signal its first process."""
    return "kill", "--signal", _signal(signum), container


def exec_words(
    container: str,
    command: str | Sequence[str],
    environment: Mapping[str, str],
    options: Sequence[str] = (),
) -> tuple[str, ...]:
    """Return those that run a command in it; a text goes to its shell."""
    words = ["exec", *options]
    for name, text in environment.items():
        words += ["--env", f"{name}={text}"]
    run = ("sh", "-c", command) if isinstance(command, str) else command
    return (*words, container, *run)


def pull_words(image: str, platform: str | None) -> tuple[str, ...]:
    """Return those that fetch an image."""
    return ("pull", *(("--platform", platform) if platform else ()), image)


def build_words(build: ImageBuild, image: str, platform: str | None) -> tuple[str, ...]:
    """Return those that make an image."""
    words = ["build", "--tag", image]
    if build.dockerfile:
        words += ["--file", str(build.context / build.dockerfile)]
    if build.target:
        words += ["--target", build.target]
    if platform:
        words += ["--platform", platform]
    for name, text in build.args.items():
        words += ["--build-arg", name if text is None else f"{name}={text}"]
    return (*words, str(build.context))
