"""compose.yaml, by the Compose Specification (https://github.com/compose-spec/compose-spec)."""

from __future__ import annotations

import re
from pathlib import Path

from rpx.moving.given import ForeignSource
from rpx.moving.sources.compose.compose_reader import DEVELOPERS, read_compose

_MAIN = (
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
)
_SERVICES = re.compile(r"^(?:services\s*:|\{\s*\"services\")", re.MULTILINE)


def _found(folder: Path) -> tuple[Path, ...]:
    """The first of compose's own names with its override, as `docker compose` reads them; else a
    developer's one.
    """
    for name in _MAIN:
        if (folder / name).is_file():
            stem, _, suffix = name.rpartition(".")
            overrides = [f"{stem}.override.{each}" for each in (suffix, "yml", "yaml")]
            there = [folder / each for each in overrides if (folder / each).is_file()]
            return (folder / name, *there[:1])
    there = [folder / name for name in DEVELOPERS if (folder / name).is_file()]
    return tuple(there[:1])


COMPOSE = ForeignSource(
    "a compose file",
    (*_MAIN, *DEVELOPERS),
    read_compose,
    is_like=lambda text: bool(_SERVICES.search(text)),
    found=_found,
    together=True,
)
