"""What there is to do at the engine before a container is started. Everything blocks."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from typing import Final

from rpx.engine.container_names import Naming
from rpx.engine.engine_client import Engine
from rpx.engine.leftovers import ABSENT, PROJECT, remove
from rpx.errors import RpxError
from rpx.model.container import Container, Volume

LABEL: Final = f'{{{{index .Config.Labels "{PROJECT}"}}}}'
VOLUME_LABEL: Final = f'{{{{index .Labels "{PROJECT}"}}}}'
NONE: Final = ("", "<no value>")  # of a label


def make_room(
    engine: Engine, naming: Naming, names: Iterable[str], running: Collection[str]
) -> str:
    """Return the first of these names that a container may have; one of this project's that has it
    is removed, unless it is `running` and another is to take over from it.

    Raises: RpxError for one that rpx has not started, and when nobody answers.
    """
    for name in names:
        if name in running:
            continue
        said = engine.ask("container", "inspect", "--format", LABEL, name)
        if not said.well:
            if any(words in said.err.lower() for words in ABSENT):
                return name
            raise RpxError(f"{engine.name} does not answer: {said.complaint}")
        project = said.out.strip()
        if project == naming.identity:
            remove(engine, (name,))
            return name
        if project in NONE:
            raise RpxError(
                f"a container that rpx did not start is called {name}",
                hint=f"remove it: `{engine.name} rm -f {name}`",
            )
    raise RpxError("every name that its container could have is taken")


def is_here(engine: Engine, image: str) -> bool:
    """Whether the engine has an image."""
    return engine.ask("image", "inspect", "--format", "{{.Id}}", image).well


def volumes_of(engine: Engine, naming: Naming, container: Container) -> list[Volume]:
    """Return the volumes of a container by the names that they have here; those that aren't there
    are made. Raises: RpxError for a folder that isn't there.
    """
    found = []
    for volume in container.volumes:
        if volume.name:
            name = _volume(engine, naming, volume.name)
            found.append(volume.model_copy(update={"source": name}))
        elif volume.source and not os.path.exists(volume.source):
            raise RpxError(
                f"its volume {volume.source} does not exist",
                hint=f"make the folder: `mkdir -p {volume.source}`",
            )
        else:
            found.append(volume)
    return found


def _volume(engine: Engine, naming: Naming, name: str) -> str:
    plain, own = naming.volumes(name)
    if engine.ask("volume", "inspect", own).well:
        return own
    said = engine.ask("volume", "inspect", "--format", VOLUME_LABEL, plain)
    owner = said.out.strip()
    # Compose's, ours, or ours before the folder was moved.
    if said.well and (owner in (*NONE, naming.identity) or not os.path.exists(owner)):
        return plain
    new = own if said.well else plain
    made = engine.ask("volume", "create", "--label", f"{PROJECT}={naming.identity}", new)
    if not made.well:
        raise RpxError(f"{engine.name} could not make the volume {new}: {made.complaint}")
    return new


def make_network(engine: Engine, naming: Naming) -> None:
    """Have the network of a project, in which its containers know each other by name.

    Raises: RpxError.
    """
    label = f"{PROJECT}={naming.identity}"
    made = engine.ask("network", "create", "--label", label, naming.network)
    if not made.well and "already" not in made.err:
        raise RpxError(f"{engine.name} could not make a network: {made.complaint}")


def made_volumes(engine: Engine, identity: str) -> tuple[str, ...]:
    """Return the names of the volumes that rpx has made for a project; none if nobody answers."""
    said = engine.ask("volume", "ls", "-q", "--filter", f"label={PROJECT}={identity}")
    return tuple(said.out.split()) if said.well else ()
