"""What makes a container of a process: its image, and what only a container has.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable
from typing import Annotated, get_args

from pydantic import BeforeValidator, Field, StrictInt, ValidationInfo

from rpx.config.settings.env import Env
from rpx.config.settings.forms import (
    AS_WRITTEN,
    FILLED,
    any_of,
    list_of,
    names_to,
    number,
    one_or_more,
    text,
)
from rpx.config.settings.on_disk import Folder
from rpx.config.settings.values import Size, port
from rpx.config.settings.written import Kind, Maybe, Needed, Written, needed, setting, several
from rpx.config.wording import shown, wrong
from rpx.model.container import Container, EngineName, ImageBuild, Volume

_IMAGE = re.compile(r"[^\s-]\S*")
_VOLUME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")


def image(value: object) -> object:
    """The name of an image, with its tag."""
    if not isinstance(value, str) or not _IMAGE.fullmatch(value):
        raise wrong(f"is not the name of an image: {shown(value)}", "for example `postgres:16`")
    return value


def build(value: object) -> object:
    """A text is the context."""
    return {"context": value} if isinstance(value, str) else value


def inside(value: object) -> object:
    """A port that something listens at."""
    if port(value) == 0:
        raise wrong("is no port that a container listens at: 0", "write the port in its network")
    return port(value)


def volume(value: object, info: ValidationInfo) -> object:
    """`data:/var/lib/data`, `./conf:/etc/app:ro`, or only a place inside."""
    parts = value.split(":") if isinstance(value, str) else []
    if len(parts) == 1:
        parts = ["", *parts]
    if not 2 <= len(parts) <= 3 or not parts[1].startswith("/"):
        raise wrong(
            f"is not a volume: {shown(value)}",
            "write `NAME:/place/inside`, or `./folder:/place/inside:ro`",
        )
    source, target, options = *parts[:2], "".join(parts[2:])
    if source.startswith((".", "~", "/")):
        root = (info.context or {}).get("root", "")
        source = os.path.normpath(os.path.join(root, os.path.expanduser(source)))
    elif source and not _VOLUME.fullmatch(source):
        raise wrong(
            f"is not the name of a volume: {shown(source)}",
            "letters, digits, `.`, `-`, `_`; a folder begins with ./, ~ or /",
        )
    return Volume(source=source, target=target, options=options)


def written_volumes(found: Iterable[Volume]) -> list[str]:
    """What may be written for volumes."""
    parts = ((each.source, each.target, each.options) for each in found)
    return [":".join(filter(None, each)) for each in parts]


def words(value: object) -> object:
    """The words of a command; a text is taken apart as a shell does, but no shell runs it."""
    if isinstance(value, str):
        try:
            return tuple(shlex.split(value))
        except ValueError:
            raise wrong(f"has a quote that doesn't end: {shown(value)}", "end it") from None
    if not isinstance(value, list | tuple) or not all(isinstance(e, str | int) for e in value):
        raise wrong(f"is not a command: {shown(value)}", "write a text, or a list of words")
    return tuple(map(str, value))


def hosts(value: object) -> object:
    """Compose's mapping of names to addresses as lines."""
    if isinstance(value, dict):
        return tuple(f"{name}:{address}" for name, address in value.items())
    return several(value)


def chosen_engine(value: object) -> object:
    """One of those that rpx can speak to."""
    if value not in get_args(EngineName):
        raise wrong(f"is no container engine: {shown(value)}", "write `docker` or `podman`")
    return value


ChosenEngine = Annotated[EngineName, BeforeValidator(chosen_engine), Kind("`docker`, `podman`")]
Text = Annotated[str, Field(min_length=1), Kind("text")]
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(several), Kind("text, or list", one_or_more(FILLED), list)
]
Image = Annotated[str, BeforeValidator(image), Kind("image", text(r"^[^\s-]\S*$"))]
Inside = Annotated[
    StrictInt,
    BeforeValidator(inside),
    Kind("1 to 65535", number(pattern="^[0-9]{1,5}$", minimum=1, maximum=65535)),
]
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(words),
    Kind("text or list", any_of(text(), list_of(AS_WRITTEN)), list),
]
Hosts = Annotated[
    tuple[Text, ...],
    BeforeValidator(hosts),
    Kind(
        "`name:address`, or list",
        any_of(FILLED, list_of(FILLED, least=1), names_to(AS_WRITTEN)),
        list,
    ),
]
Volumes = Annotated[
    tuple[Annotated[Volume, BeforeValidator(volume)], ...],
    BeforeValidator(several),
    Kind(
        "`source:place`, or list", one_or_more(text("^([^:]*:)?/[^:]*(:[^:]*)?$")), written_volumes
    ),
]


class BuildWritten(Written):
    """`build`."""

    nouns = (ImageBuild,)

    context: Needed[Folder] = needed(
        "the folder that the image is made of", "write `build: ./db`, the folder of its Dockerfile"
    )
    dockerfile: Maybe[Text] = setting(
        "its name in there, if it is not `Dockerfile`", "the engine's: Dockerfile"
    )
    target: Maybe[Text] = setting("the stage to end with", "the last one")
    args: Maybe[Env] = setting("what `ARG` asks for; one without a value is rpx's own variable")


Build = Annotated[
    BuildWritten, BeforeValidator(build), Kind("folder, or mapping", any_of(FILLED, BuildWritten))
]


class ContainerWritten(Written):
    """What stands beside `image` or `build`."""

    image: Maybe[Image] = setting("run [a container](containers.md) of this image")
    build: Maybe[Build] = setting("run a container of [what is built there](containers.md#build)")
    port: Maybe[Inside] = setting(
        "where it listens inside; requests reach it by its address in `from`", "that of its address"
    )
    volumes: Maybe[Volumes] = setting(
        "[what outlives it](containers.md#volumes), and folders of this machine, relative to"
        " rpx.yaml"
    )
    entrypoint: Maybe[Words] = setting("instead of the image's", "the image's")
    workdir: Maybe[Text] = setting(
        "instead of the image's: the folder inside that it starts in", "the image's"
    )
    shm_size: Maybe[Size] = setting("how much /dev/shm holds", "the engine's")
    platform: Maybe[Text] = setting("of the image, as `linux/amd64`", "the engine's")
    tmpfs: Maybe[Texts] = setting("places inside that are in memory")
    extra_hosts: Maybe[Hosts] = setting("more lines for its /etc/hosts")
    container_options: Maybe[Texts] = setting("more words for `docker run` or `podman run`")

    @property
    def is_container(self) -> bool:
        """It is one, and not a process of this machine."""
        return self.image is not None or self.build is not None


ONLY_INSIDE = tuple(
    name for name in ContainerWritten.model_fields if name not in ("image", "build")
)


def container_of(written: ContainerWritten, stop_signal: int | None) -> Container:
    """What was written of a container; the `stop_signal` is its image's where none was."""
    settings = written.written_for(Container)
    if isinstance(build := settings.get("build"), dict):
        settings["build"] = ImageBuild(**build)
    return Container(**{**settings, "stop_signal": stop_signal})
