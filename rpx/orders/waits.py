"""What a project waits for: who is on the way up or down, in words and for programs."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

from rpx.hub.records import Backend
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
    everyone = [b for b in registry.everyone if labels is None or b.spec.label in labels]
    return [wait for backend in everyone for wait in _of(backend, now, within, ending=ending)]


def _of(backend: Backend, now: float, within: float, *, ending: bool) -> Iterator[Wait]:
    label, state = backend.spec.label, backend.shown
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
        text = f"{label}: {because(backend.witness)}"
    if text:
        yield Wait(label, backend.spec.name, state.value, backend.pid, kill_in, text)


def stopping(backend: Backend, now: float) -> tuple[str, float] | None:
    """Whom one waits for while it stops, and for how many seconds at most. None: it does not."""
    if backend.state is not State.STOPPING or backend.pid is None or backend.spec.start is None:
        return None
    left = backend.since + backend.spec.start.stop_grace_period - now
    return being_ended(backend), max(0.0, left)


def being_ended(backend: Backend) -> str:
    """Name its process, or those that it has left."""
    label = backend.spec.label
    if backend.left:
        return f"what {label} has left behind (pid {', '.join(map(str, backend.left))})"
    return f"{label} (pid {backend.pid})"


def requests_at(backend: Backend) -> str:
    """Name the requests under way."""
    number = backend.in_flight
    return f"{number} request{'s' * (number != 1)} at {backend.spec.label}"


def has_process(backend: Backend) -> bool:
    """Tell whether a process of ours is behind it that must go in the end."""
    return not backend.external and backend.state in HAS_PROCESS and backend.pid is not None
