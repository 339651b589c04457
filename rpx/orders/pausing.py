"""Pause and resume: what a user does about the rotation alone, whoever runs the backend.

No orders to lives: a paused backend lives on as it would, and may crash and come back meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from rpx.errors import UsageError
from rpx.hub.endpoint import Endpoint
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


def _pause(registry: Registry, endpoint: Endpoint) -> str:
    if endpoint.paused:
        return "was paused already"
    registry.pause(endpoint)
    state = endpoint.visible_state
    if state is not State.PAUSED:
        return f"paused: it is {state.value}, and stays out of rotation when it is back"
    text = "paused, out of rotation"
    if endpoint.in_flight:
        text += f", {endpoint.in_flight} under way may finish"
    if (pid := _pid(endpoint)) is not None:
        text += f", process left running (pid {pid})"
    if endpoint.pool is not None and not any(each.in_rotation for each in endpoint.pool.active):
        text += f"; no backend is in rotation for {endpoint.pool.host} now"
    return text


def _resume(registry: Registry, endpoint: Endpoint) -> str:
    if not endpoint.paused:
        return "was not paused"
    registry.resume(endpoint)
    if endpoint.in_rotation:
        return "resumed, in rotation"
    return f"resumed: it is {endpoint.visible_state.value}, and in rotation when it is ready"


def _outcome(endpoint: Endpoint, text: str) -> Outcome:
    label, pid = endpoint.label, _pid(endpoint)
    return Outcome(label, endpoint.visible_state, pid, pid, f"{label} {text}")


def _pid(endpoint: Endpoint) -> int | None:
    """That of the process that has its label."""
    return endpoint.process.pid if endpoint.own and endpoint.process is not None else None


def _routed(registry: Registry, names: Sequence[str]) -> list[Endpoint]:
    """The endpoints that `names` mean, each once, in listed order; UsageError: one has none."""
    rows = registry.snapshot()
    wanted = {row.label for name in names for row in select(rows, name)}
    found = []
    for label in (label for label in registry.backends if label in wanted):
        endpoint = registry.backends[label].endpoint
        if endpoint is None:
            raise UsageError(
                f"`{label}` gets no requests: it can be neither paused nor resumed",
                hint=f"`rpx stop {label}` stops it",
            )
        found.append(endpoint)
    return found
