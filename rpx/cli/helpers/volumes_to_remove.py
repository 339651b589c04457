"""The volumes that rpx has made for a project, and their end."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rpx.cli.terminal.output import say
from rpx.engine.engine_client import Engine
from rpx.engine.leftovers import installed
from rpx.engine.preparing import made_volumes
from rpx.errors import RpxError


@dataclass(frozen=True, slots=True)
class Doomed:
    """Volumes by the engine that has them. One that compose has made is not among them."""

    volumes: dict[Engine, tuple[str, ...]]

    @classmethod
    def of(cls, config: Path) -> Doomed:
        """Those of the project with this rpx.yaml."""
        found = {engine: made_volumes(engine, str(config)) for engine in installed()}
        return cls({engine: names for engine, names in found.items() if names})

    def agreed(self, *, yes: bool) -> bool:
        """Whether they may go. Raises: RpxError where there is nobody to ask."""
        names = [name for found in self.volumes.values() for name in found]
        if not names:
            say("rpx has made no volume for this project")
            return True
        several = "" if len(names) == 1 else "s"
        say(f"{len(names)} volume{several}, with all that is in there: {', '.join(names)}")
        if yes:
            return True
        if not sys.stdin.isatty():
            raise RpxError(
                "nothing was stopped or removed: there is no terminal to ask on",
                hint="`rpx down --volumes --yes` removes them",
            )
        sys.stderr.write(f"stop the project, and remove the volume{several}? [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def remove(self) -> None:
        """Remove them. Raises: RpxError for those that the engine keeps, with its reason."""
        for engine, names in self.volumes.items():
            said = engine.ask("volume", "rm", *names)
            if not said.well:
                raise RpxError(f"{engine.name} has not removed all volumes: {said.complaint}")
            say(f"removed {', '.join(names)}")
