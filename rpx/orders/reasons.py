"""Why a backend is in the state it is in: what `rpx why` says about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from rpx.hub.backend import Backend
from rpx.hub.registry import Registry
from rpx.model.answers import Checks, Why
from rpx.model.status import State
from rpx.orders.rows import last_lines
from rpx.policy.depend import sentence
from rpx.policy.protocol_hints import hint_for
from rpx.policy.restarts import History, restarts_left
from rpx.policy.signs import expected

LAST_LINES: Final = 10


def why(registry: Registry, backend: Backend, now: float) -> Why:
    """All that is known about the state of `backend`. `now` is trio's time."""
    process, told_by = backend.process, registry.told_by(backend)
    start = process.spec.start if process else None
    due = process.due - now if process and process.state is State.BACKOFF else None
    history = process.history if process else History()
    return Why(
        label=backend.label,
        name=backend.name,
        state=backend.visible_state.value,
        since=registry.since(backend),
        pid=process.pid if process else None,
        in_rotation=backend.in_rotation,
        because=because(told_by),
        waiting_for=tuple(told_by.obstacles),
        last_error=told_by.last_error,
        last_exit=process.ended if process else None,
        restarts=process.restarts if process else 0,
        restart_policy=start.restart.policy if start else None,
        restarts_left=restarts_left(start.restart, history, now) if start else None,
        restart_window=start.restart.window if start else None,
        next_start_in=None if due is None else round(max(due, 0.0), 3),
        checks=_checks(backend),
        last_lines=last_lines(told_by, LAST_LINES),
        hint=_hint(registry, told_by),
    )


def _checks(backend: Backend) -> Checks | None:
    """How its last checks went, where there were any."""
    asked = backend.endpoint or backend.own
    streak = asked.health.streak if asked is not None and asked.health is not None else 0
    if not streak:
        return None
    return Checks(passed_in_a_row=max(streak, 0), failed_in_a_row=max(-streak, 0))


def because(backend: Backend) -> str:
    """One sentence for the state, without its subject."""
    say = _SENTENCES.get(backend.visible_state)
    return backend.last_error if say is None else say(backend)


def _stopped(backend: Backend) -> str:
    process = backend.process
    if not backend.has_run and process is not None and not process.spec.autostart:
        return "it has not been started yet: it has `autostart: false`"
    if not backend.has_run:
        return "it has not been started yet"
    return f"a command stopped it ({backend.last_error})"


def _waiting(backend: Backend) -> str:
    return f"it waits {sentence(backend.obstacles)}"


def _draining(backend: Backend) -> str:
    return f"it finishes the requests that it has ({backend.in_flight}), then it is stopped"


def _starting(backend: Backend) -> str:
    process = backend.process
    if process is not None and process.spec.start.oneshot:
        return "it is at work: a oneshot is done when it ends"
    signs = expected(process.spec) if process is not None else ""
    missing = f" ({backend.last_error})" if backend.last_error else ""
    if not signs:
        return f"its process is being started{missing}"
    return f"it has not shown yet that it is ready: {signs}{missing}"


def _ready(backend: Backend) -> str:
    asked = backend.endpoint or backend.own
    if asked is not None and asked.spec.health_check is not None:
        return "its health checks pass"
    return "its port takes connections" if backend.endpoint is not None else "its process runs"


def _unhealthy(backend: Backend) -> str:
    process, why = backend.own, backend.last_error or "nothing answers there"
    if process is None:
        return f"{why}; rpx asks again every second"
    if not process.spec.start.replaced_when_sick:
        return f"{why}; it is left as it is"
    return f"{why}; if it stays so, its process is replaced"


_SENTENCES: Final[Mapping[State, Callable[[Backend], str]]] = {
    State.STOPPED: _stopped,
    State.WAITING: _waiting,
    State.STARTING: _starting,
    State.READY: _ready,
    State.PAUSED: lambda _: "it is paused; its process runs on",
    State.UNHEALTHY: _unhealthy,
    State.DRAINING: _draining,
    State.STOPPING: lambda _: "it was asked to stop",
}


def _hint(registry: Registry, backend: Backend) -> str:
    label = backend.label
    match backend.visible_state:
        case State.STOPPED | State.FAILED | State.COMPLETED:
            return f"`rpx start {label}` starts it"
        case State.PAUSED:
            return f"`rpx resume-backend {label}` lets it have requests again"
        case State.WAITING if any(each.hopeless for each in backend.obstacles):
            return "; ".join(
                _towards(registry, each.name) for each in backend.obstacles if each.hopeless
            )
        case _:
            spec = backend.spec
            return hint_for(backend.last_error, spec.address) if spec.address else ""


def _towards(registry: Registry, name: str) -> str:
    if any(other.visible_state is State.WAITING for other in registry.named(name)):
        return f"`rpx why {name}` says what that waits for"
    return f"`rpx start {name}` tries again"
