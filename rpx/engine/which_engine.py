"""Which engine answers on this machine."""

from __future__ import annotations

import os
import shutil
import sys
import tomllib
from collections.abc import Sequence
from typing import Final

from rpx.engine.engine_client import Engine, ask
from rpx.errors import RpxError

# In this order where the configuration doesn't choose; and what only an engine that works can say.
ASKED: Final = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Version.Version}}"),
}
WITHIN: Final = 10.0  # seconds
ABSENT: Final = "not installed"
CONFS: Final = ("~/.config/containers/containers.conf", "/etc/containers/containers.conf")
INITS: Final = tuple(
    f"/usr/{folder}/podman/catatonit" for folder in ("libexec", "lib", "local/libexec", "local/lib")
)
WITHOUT_INIT: Final = (
    "podman has no catatonit here, so containers run without `--init`: what doesn't handle SIGTERM"
    " by itself is killed after its grace period; to mend it, install the package catatonit"
)


def try_engine(name: str) -> tuple[Engine | None, str]:
    """Return the engine of this name and its version; or None, and why it does not answer."""
    program = shutil.which(name)
    if program is None:
        return None, ABSENT
    said = ask(program, ASKED[name], WITHIN)
    if not said.well or not said.out.strip():
        return None, said.complaint
    if name == "docker" and ask(program, ("--version",), WITHIN).out.startswith("podman"):
        name = "podman"  # under docker's name, as a package of its own does it
    podman = name == "podman"
    engine = Engine(name, program, not podman or _has_init(), not podman or _has_bridges())
    return engine, said.out.strip()


def _has_bridges() -> bool:
    """Whether podman gives containers networks of their own, unless it is told otherwise."""
    for file in (os.environ.get("CONTAINERS_CONF"), *map(os.path.expanduser, CONFS)):
        try:
            with open(file or "", "rb") as opened:
                mode = tomllib.load(opened).get("containers", {}).get("netns")
        except (OSError, tomllib.TOMLDecodeError):
            continue
        if mode is not None:
            return str(mode) != "host"
    return True


def _has_init() -> bool:
    """Whether podman finds catatonit, which a package of its own has, and most don't miss."""
    return sys.platform != "linux" or any(os.path.exists(path) for path in INITS)


def answering(wanted: str | None, services: Sequence[str], others: Sequence[str] = ()) -> Engine:
    """Return the engine that is `wanted`, or the first that answers.

    `services` need it, the `others` of the run don't. Raises: RpxError that names both.
    """
    faults = []
    for name in [wanted] if wanted else ASKED:
        engine, words = try_engine(name)
        if engine is not None:
            return engine
        faults.append(f"{name}: {words}")
    who = ", ".join(f"`{each}`" for each in services)
    need = "needs" if len(services) == 1 else "need"
    what = f"`{wanted}` does not answer" if wanted else "neither docker nor podman answers"
    hint = "start the engine, or install one"
    if others:
        hint += f"; the rest can be started: `rpx up {' '.join(others)}`"
    raise RpxError(f"{who} {need} a container engine, and {what} ({'; '.join(faults)})", hint=hint)
