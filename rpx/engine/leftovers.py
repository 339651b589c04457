"""Containers that a run, or a project, has left: found by their labels, and removed."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence

from rpx.engine.engine_client import Engine, EngineSaid

PROJECT = "dev.rpx.project"  # the label with the path of its rpx.yaml
RUN = "dev.rpx.run"  # that with the id of the run which has started it
SERVICE = "dev.rpx.service"  # that with its service and copy
ABSENT = ("no such container", "no container with", "not found")


def service_value(name: str, replica: int) -> str:
    """Return what the label of a service says."""
    return f"{name}-{replica}"


def containers_with(engine: Engine, label: str, value: str) -> tuple[str, ...]:
    """The ids of all containers with this label, running or not; none if nobody answers."""
    found = engine.ask("ps", "-aq", "--no-trunc", "--filter", f"label={label}={value}")
    return tuple(found.out.split()) if found.well else ()


def remove(engine: Engine, names: Sequence[str]) -> EngineSaid:
    """End containers at once, and remove them with the anonymous volumes that are theirs.

    That one isn't there is no failure.
    """
    # Without -t podman would ask each first, and wait ten seconds. Docker doesn't know it.
    at_once = ("-t", "0") if engine.name == "podman" else ()
    said = engine.ask("rm", "-f", "-v", *at_once, *names)
    return EngineSaid(0) if any(words in said.err.lower() for words in ABSENT) else said


def remove_all(engine: Engine, label: str, value: str, keep: Collection[str] = ()) -> int:
    """Remove every container with this label but those to `keep`; how many there were."""
    found = [each for each in containers_with(engine, label, value) if each not in keep]
    if found:
        remove(engine, found)
    return len(found)


def installed() -> tuple[Engine, ...]:
    """Every engine whose program is here, whether anybody answers or not."""
    programs = ((name, shutil.which(name)) for name in ("docker", "podman"))
    return tuple(Engine(name, program) for name, program in programs if program)


def left_of(run_id: str) -> dict[Engine, tuple[str, ...]]:
    """The containers that a run has left, by the engine that has them."""
    found = {engine: containers_with(engine, RUN, run_id) for engine in installed()}
    return {engine: ids for engine, ids in found.items() if ids}
