"""A drill that a running project has been asked for: how far it is, or what it came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DrillState = Literal["running", "passed", "failed", "stopped", "broken"]


@dataclass(frozen=True, slots=True)
class DrillRun:
    """One drill. `began` is seconds since the epoch, `duration` seconds.

    `command` does the same in a shell. `said` is what has happened meanwhile. `progress` is as in
    the lines of `rpx drill --json --progress`, null before the first; `report` as `rpx drill
    --json`, null while it runs and where none came of it, for the reason in `error`.
    """

    id: str
    service: str
    command: str
    state: DrillState
    began: float
    duration: float
    said: tuple[str, ...]
    progress: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    error: str
