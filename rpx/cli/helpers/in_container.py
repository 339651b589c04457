"""A command inside the container of a service, with the terminal to itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rpx.engine.engine_lines import exec_words
from rpx.engine.leftovers import PROJECT, SERVICE, installed, service_value
from rpx.errors import NotRunning, UsageError
from rpx.model.specs import ProcessSpec


def become(command: str | tuple[str, ...], process: ProcessSpec, config: Path) -> None:
    """Replace this process by a client of the engine that runs `command` in there.

    Raises: UsageError without a command, NotRunning where there is no such container.
    """
    name = process.name
    if not command:
        raise UsageError(
            f"`{name}` is a container: its own command runs in there already",
            hint=f"say what to run in it: `rpx run {name} sh`",
        )
    service = f"label={SERVICE}={service_value(name, process.replica)}"
    for engine in installed():
        project = f"label={PROJECT}={config}"
        found = engine.ask("ps", "-q", "--filter", project, "--filter", service)
        if found.well and found.out.split():
            shown = ("-i", "-t") if sys.stdin.isatty() else ("-i",)
            words = exec_words(found.out.split()[0], command, {}, shown)
            sys.stdout.flush()
            os.execv(engine.program, [engine.program, *words])  # noqa: S606 - the user's command
    raise NotRunning(
        f"no container of `{name}` runs", hint=f"start it: `rpx up {name}`, or `rpx start {name}`"
    )
