"""Pause and resume: what a user does about the rotation alone, whoever runs the backend.

No orders to lives: a paused backend lives on as it would, and may crash and come back meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rpx.errors import UsageError
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.answers import Outcome
from rpx.model.status import State
from rpx.policy.naming import select


async def pause(registry: Registry, names: Sequence[str]) -> list[Outcome]:
    """Keep backends out of rotation until they are resumed; requests under way finish."""
    await trio.lowlevel.checkpoint()
    return [_outcome(each, _pause(registry, each)) for each in _routed(registry, names)]


async def resume(registry: Registry, names: Sequence[str]) -> list[Outcome]:
    """Let backends be in rotation again."""
    await trio.lowlevel.checkpoint()
    return [_outcome(each, _resume(registry, each)) for each in _routed(registry, names)]


def _pause(registry: Registry, backend: Backend) -> str:
    if backend.paused:
        return "was paused already"
    registry.pause(backend)
    if backend.shown is not State.PAUSED:
        return f"paused: it is {backend.shown.value}, and stays out of rotation when it is back"
    text = "paused, out of rotation"
    if backend.in_flight:
        text += f", {backend.in_flight} under way may finish"
    if backend.pid is not None:
        text += f", process left running (pid {backend.pid})"
    if backend.pool is not None and not any(each.in_rotation for each in backend.pool.active):
        text += f"; no backend is in rotation for {backend.pool.host} now"
    return text


def _resume(registry: Registry, backend: Backend) -> str:
    if not backend.paused:
        return "was not paused"
    registry.resume(backend)
    if backend.in_rotation:
        return "resumed, in rotation"
    return f"resumed: it is {backend.shown.value}, and in rotation when it is ready"


def _outcome(backend: Backend, text: str) -> Outcome:
    label, pid = backend.spec.label, backend.pid
    return Outcome(label, backend.shown, pid, pid, f"{label} {text}")


def _routed(registry: Registry, names: Sequence[str]) -> list[Backend]:
    """The backends that `names` mean, each once, in listed order; UsageError if one has no host."""
    rows = registry.snapshot()
    wanted = {row.label for name in names for row in select(rows, name)}
    backends = [backend for label, backend in registry.backends.items() if label in wanted]
    for backend in backends:
        if backend.pool is None:
            label = backend.spec.label
            raise UsageError(
                f"`{label}` gets no requests: it can be neither paused nor resumed",
                hint=f"`rpx stop {label}` stops it",
            )
    return backends
