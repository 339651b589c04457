"""What a project waits for: who is on the way up or down, in words and for programs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from rpx.hub.backend import Backend
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.answers import Wait
from rpx.model.status import HAS_PROCESS, State
from rpx.orders.reasons import because


def waits(
    registry: Registry,
    now: float,
    labels: Collection[str] | None,
    *,
    ending: bool,
    within: float = math.inf,
) -> list[Wait]:
    """Return who of `labels` (None: of all) is on its way, in listed order.

    `now` is by the registry's steady clock. `ending`: the project is, so that requests are
    waited for. `within`: seconds after which whoever asks has all of them killed.
    """
    everyone = [b for b in registry.everyone if labels is None or b.label in labels]
    return [
        wait
        for backend in everyone
        for wait in _of(backend, registry.told_by(backend), now, within, ending=ending)
    ]


def _of(
    backend: Backend, told_by: Backend, now: float, within: float, *, ending: bool
) -> Iterator[Wait]:
    label, state = backend.label, backend.visible_state
    text, kill_in = "", None
    if backend.external:
        if ending and backend.in_flight:
            text = requests_at(backend)
    elif (down := stopping(backend, now)) is not None:
        whom, kill_in = down[0], max(0.0, min(down[1], within))
        text = f"{whom}, SIGKILL in {kill_in:.0f}s"
    elif backend.in_flight and (ending or state is State.DRAINING):
        text = requests_at(backend)
    elif state in (State.STARTING, State.WAITING, State.BACKOFF) and not ending:
        text = f"{label}: {because(told_by)}"
    if text:
        yield Wait(label, backend.name, state.value, backend.pid, kill_in, text)


def stopping(backend: Backend, now: float) -> tuple[str, float] | None:
    """Whom one waits for while it stops, and for how many seconds at most. None: it does not."""
    process = backend.own
    if process is None or process.state is not State.STOPPING or process.pid is None:
        return None
    grace = process.spec.start.stop_grace_period
    return being_ended(process), max(0.0, process.standing.since + grace - now)


def being_ended(process: Process) -> str:
    """Name it, or those that it has left."""
    label = process.label
    if process.left:
        return f"what {label} has left behind (pid {', '.join(map(str, process.left))})"
    return f"{label} (pid {process.pid})"


def requests_at(backend: Backend) -> str:
    """Name the requests under way."""
    number = backend.in_flight
    return f"{number} request{'s' * (number != 1)} at {backend.label}"


def running(backend: Backend) -> Process | None:
    """Return the process of ours with its label that must go in the end, if there is one."""
    process = backend.own
    if process is None or process.state not in HAS_PROCESS or process.pid is None:
        return None
    return process
