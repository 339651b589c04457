"""What an order came to, backend by backend: frozen, for people (`sentence`) and programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from rpx.errors import Exit
from rpx.model.status import State


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one backend. `exit_code` says whether that is what was asked for."""

    label: str
    state: State
    pid_before: int | None
    pid: int | None
    sentence: str
    exit_code: int = Exit.FINE


@dataclass(frozen=True, slots=True)
class Kill:
    """What a kill-backend hit. `pid` got the signal; `gone` if its run ended within the wait.

    `at` is when, in seconds since the epoch. `restart_in` is seconds until it is started again,
    None: it stays down.
    """

    label: str
    backend: str | None
    port: int | None
    signal: str
    pid: int
    at: float
    pid_before: int | None
    gone: bool
    in_rotation: bool
    state: State
    restart_in: float | None
    sentence: str


def as_json(outcome: Outcome | Kill) -> dict[str, Any]:
    """The fields, with the state by its name."""
    return {**asdict(outcome), "state": outcome.state.value}
