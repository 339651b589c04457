"""What a container is to be, where a process is one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal

from pydantic import Field

from rpx.model.base import Model

EngineName = Literal["docker", "podman"]


class ImageBuild(Model):
    """How an image is made. `context` is absolute; `dockerfile` is looked for in it."""

    context: Path
    dockerfile: str | None = None
    target: str | None = None
    args: dict[str, str | None] = Field(default_factory=dict)  # None: of rpx's own environment


class Volume(Model):
    """A place in a container whose content outlives it. `source` is an absolute path of this
    machine, the name of a volume, or "" for one that goes with the container.
    """

    source: str
    target: str
    options: str = ""

    @property
    def name(self) -> str:
        """That of the volume, without the project's; "" for a path and for none."""
        return "" if self.source.startswith("/") else self.source


class Container(Model):
    """Beside `Start`, whose command is that of the image where it is empty.

    `image` is "" where there is a `build`. `port` is where it listens inside, None: the port that
    it is reached at. `shm_size` is in bytes; `stop_signal` None is the image's own. `options` are
    words for the engine's `run`.
    """

    image: str = ""
    build: ImageBuild | None = None
    port: int | None = None
    volumes: tuple[Volume, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    workdir: str | None = None
    shm_size: int | None = None
    platform: str | None = None
    tmpfs: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    container_options: tuple[str, ...] = ()
    stop_signal: int | None = None

    @property
    def on_the_host(self) -> bool:
        """It has the network of this machine, and publishes nothing."""
        return self.own_network == "host"

    @property
    def own_network(self) -> str:
        """The network that its options name; "": none."""
        words = " ".join(self.container_options).replace("=", " ").split()
        return next((to for flag, to in pairwise(words) if flag in {"--network", "--net"}), "")
