"""What users can do to a running project: give orders to lives, and wait for what comes of it.

Every wait is bounded and says so when it was too short. Nothing here moves a backend: only its own
life does.
"""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import trio

from rpx.errors import Exit, RpxError, UsageError
from rpx.hub.backend import Backend
from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.answers import Kill, Outcome
from rpx.model.status import AT_REST, HAS_PROCESS, State
from rpx.policy.depend import hopeless, sentence
from rpx.policy.naming import select

READY_WITHIN: Final = 60.0  # seconds that a (re)started backend gets
STOPPED_WITHIN: Final = 30.0  # beside its grace period: draining, and what SIGKILL takes
TAKEN_WITHIN: Final = 5.0  # a life looks into its mailbox at once; this is for a busy machine
KILLED_WITHIN: Final = 2.0

Verb = Callable[[Registry, Sequence[str]], Awaitable[list[Outcome]]]


async def restart(registry: Registry, names: Sequence[str]) -> list[Outcome]:
    """Replace the processes one after the other, each when the former is ready again.

    The first that does not come back ends it: the copies that still work are left alone. One that
    a change of the project has removed meanwhile ends nothing.
    """
    backends = _ours(registry, names)
    outcomes: list[Outcome] = []
    lost = ""
    for backend in backends:
        if lost:
            text = f"left as it is, because {lost} did not come back"
            outcomes.append(_outcome(backend, backend.pid, text, Exit.FAILED))
        else:
            [outcome] = await _together(_restart, [backend])
            outcomes.append(outcome)
            if outcome.exit_code and not _process(backend).leaving:
                lost = outcome.label
    return outcomes


async def stop(registry: Registry, names: Sequence[str]) -> list[Outcome]:
    """Stop all of them at once; they stay down until somebody starts them."""
    return await _together(_stop, _ours(registry, names))


async def start(registry: Registry, names: Sequence[str]) -> list[Outcome]:
    """Start those that are down, and wait until they are ready."""
    return await _together(_start, _ours(registry, names))


async def kill_backend(
    registry: Registry,
    target: str,
    *,
    signum: int = signal.SIGKILL,
    down_for: float = 0.0,
    come_back: bool = True,
) -> Kill:
    """Signal the process that serves `target`, as a crash would end it; down for so many seconds.

    Raises: UsageError when it isn't ours, RpxError when it has no process or is busy.
    """
    rows = registry.snapshot()
    [row] = select(rows, target, one=True)
    if row.external:
        raise _not_ours(registry, row.label)
    process = registry.process(row.label)
    if process.pid is None or process.state not in HAS_PROCESS:
        raise RpxError(
            f"`{row.label}` has no process to kill: it is {_down(process)}",
            hint=f"start it first: `rpx start {row.label}`",
        )
    backend = registry.backends[process.label]
    pid, run = process.pid, process.generation
    order = Order(OrderKind.KILL, signal=signum, down_for=down_for, come_back=come_back)
    _give(process, order)
    with trio.move_on_after(TAKEN_WITHIN):
        await order.taken.wait()
    if order.hit is None:
        raise RpxError(f"`{row.label}` was gone before the signal: it is {_down(process)}")
    gone = order.asks_to_end and await _until(
        process,
        lambda: process.generation > run or process.state not in HAS_PROCESS,
        KILLED_WITHIN,
    )
    return _kill(backend, order, pid, gone=gone)


def signal_number(text: str) -> int:
    """The number of `KILL`, `SIGKILL`, `sigkill` or `9`. Raises: UsageError."""
    name = text.strip().upper().removeprefix("SIG")
    try:
        number = int(name) if name.isdigit() else signal.Signals[f"SIG{name}"].value
        return signal.Signals(number).value
    except (KeyError, ValueError):
        raise UsageError(
            f"there is no signal `{text}`", hint="for example KILL, TERM, INT, HUP, STOP or 9"
        ) from None


# ---- one backend


async def _restart(backend: Backend) -> Outcome:
    process = _process(backend)
    before, run = process.pid, process.generation
    began = trio.current_time()
    _give(process, Order(OrderKind.RESTART))
    grace = process.spec.start.stop_grace_period
    # Two waits, or one that does not come up would have the time that stopping didn't need.
    in_time = await _until(
        process,
        lambda: process.stuck or process.generation > run or process.state is State.WAITING,
        STOPPED_WITHIN + grace,
    ) and await _until(
        process,
        lambda: process.stuck or (process.generation > run and _ready_or_at_rest(process)),
        READY_WITHIN,
    )
    took = f"after {trio.current_time() - began:.1f} s"
    if in_time and _ready(process):
        was = f"pid {before} → {process.pid}" if before else f"pid {process.pid}"
        return _outcome(backend, before, f"restarted, {was}, ready {took}{_still(backend)}")
    return _not_ready(backend, before, took, in_time=in_time)


async def _start(backend: Backend) -> Outcome:
    process = _process(backend)
    before, run = process.pid, process.generation
    if process.state in (State.READY, State.UNHEALTHY):
        return _outcome(
            backend, before, f"runs already (pid {before}, {backend.visible_state.value})"
        )
    began = trio.current_time()
    if process.state not in (State.STARTING, State.WAITING):
        _give(process, Order(OrderKind.START))
        run += 1
    in_time = await _until(
        process,
        lambda: process.stuck or (process.generation >= run and _ready_or_at_rest(process)),
        READY_WITHIN,
    )
    took = f"after {trio.current_time() - began:.1f} s"
    if in_time and _ready(process):
        return _outcome(backend, before, f"ready (pid {process.pid}) {took}{_still(backend)}")
    return _not_ready(backend, before, took, in_time=in_time)


async def _stop(backend: Backend) -> Outcome:
    process = _process(backend)
    before = process.pid
    if process.state is State.STOPPED:
        return _outcome(backend, before, "was stopped already")
    order = Order(OrderKind.STOP)
    _give(process, order)
    grace = process.spec.start.stop_grace_period
    down = await _until(
        process,
        lambda: order.taken.is_set() and process.state in AT_REST,
        STOPPED_WITHIN + grace,
    )
    if down:
        was = f" (it was pid {before})" if before else ""
        return _outcome(backend, before, f"stopped{was}")
    text = f"still not stopped (pid {process.pid}, {process.state.value})"
    return _outcome(backend, before, text, Exit.TIMEOUT)


def _not_ready(backend: Backend, before: int | None, took: str, *, in_time: bool) -> Outcome:
    process = _process(backend)
    if process.state is State.WAITING:
        text = f"waiting {took} {sentence(process.obstacles)}"
        if in_time:
            start = f"`rpx start {hopeless(process.obstacles)}`"
            text = f"does not start: it waits {sentence(process.obstacles)}; {start} starts that"
        return _outcome(backend, before, text, Exit.FAILED if in_time else Exit.TIMEOUT)
    if not in_time:
        why = f": {process.last_error}" if process.last_error else ""
        text = f"not ready {took} ({process.state.value}{why})"
        return _outcome(backend, before, text, Exit.TIMEOUT)
    text = f"{process.state.value} {took}: {process.last_error}"
    fine = process.state is State.COMPLETED
    return _outcome(backend, before, text, Exit.FINE if fine else Exit.FAILED)


def _process(backend: Backend) -> Process:
    """The process that has its label: who gets orders has one."""
    assert backend.own is not None  # noqa: S101 - for the type checker: `_ours` has looked
    return backend.own


def _still(backend: Backend) -> str:
    return ", still paused" if backend.endpoint is not None and backend.endpoint.paused else ""


def _ready(process: Process) -> bool:
    return process.state is State.READY


def _ready_or_at_rest(process: Process) -> bool:
    return _ready(process) or process.state in AT_REST


def _outcome(
    backend: Backend, before: int | None, sentence: str, exit_code: int = Exit.FINE
) -> Outcome:
    label = backend.label
    return Outcome(
        label, backend.visible_state, before, backend.pid, f"{label} {sentence}", exit_code
    )


def _kill(backend: Backend, order: Order, before: int, *, gone: bool) -> Kill:
    assert order.hit is not None  # noqa: S101 - for the type checker: kill_backend has looked
    label, address = backend.label, backend.spec.address
    name = signal.Signals(order.signal).name
    restart_in = order.down_for if order.come_back else None
    if not gone:
        fate = f"it is still running ({backend.state.value})"
    elif restart_in is None:
        fate = f"out of rotation, stays down until `rpx start {label}`"
    elif restart_in:
        fate = f"out of rotation, restart in {restart_in:g} s"
    else:
        fate = "out of rotation, restart at once"
    return Kill(
        label=label,
        backend=str(address) if address else None,
        port=backend.port,
        signal=name,
        pid=order.hit,
        at=order.at,
        pid_before=before,
        gone=gone,
        in_rotation=backend.in_rotation,
        state=backend.visible_state,
        restart_in=restart_in,
        sentence=f"{label}: {name} to pid {order.hit}, {fate}",
    )


# ---- mailboxes and names


def _ours(registry: Registry, names: Sequence[str]) -> list[Backend]:
    """The backends that `names` mean, each once, in listed order; UsageError if one isn't ours.

    A whole service may have external copies beside ours: those are passed over.
    """
    rows = registry.snapshot()
    wanted: set[str] = set()
    for name in names:
        found = select(rows, name)
        ours = [row.label for row in found if not row.external]
        if not ours:
            raise _not_ours(registry, found[0].label)
        wanted.update(registry.process(label).label for label in ours)
    return [backend for label, backend in registry.backends.items() if label in wanted]


def _not_ours(registry: Registry, label: str) -> UsageError:
    ours = ", ".join(row.label for row in registry.snapshot() if not row.external)
    return UsageError(
        f"rpx does not run `{label}`: its process was started by somebody else",
        hint=f"rpx runs {ours}" if ours else "no backend of this project has a `start`",
    )


def _give(process: Process, order: Order) -> None:
    try:
        process.mailbox.give.send_nowait(order)
    except trio.BrokenResourceError:
        raise _removed(process) from None
    except trio.WouldBlock:
        raise RpxError(
            f"`{process.label}` is busy: earlier orders are still waiting",
            hint="try again in a moment",
        ) from None


def _down(process: Process) -> str:
    what = {State.BACKOFF: "resting before its next start"}.get(process.state, process.state.value)
    return f"{what} ({process.last_error})" if process.last_error else what


async def _together(
    work: Callable[[Backend], Awaitable[Outcome]], backends: Sequence[Backend]
) -> list[Outcome]:
    outcomes: dict[str, Outcome] = {}

    async def one(backend: Backend) -> None:
        try:
            outcomes[backend.label] = await work(backend)
        except RpxError as error:  # one that is busy doesn't make the others unheard
            label, text = backend.label, error.problems[0].what
            outcomes[label] = Outcome(
                label, backend.state, backend.pid, backend.pid, text, error.exit_code
            )

    async with trio.open_nursery() as nursery:
        for backend in backends:
            nursery.start_soon(one, backend)
    return [outcomes[backend.label] for backend in backends]


async def _until(process: Process, condition: Callable[[], bool], seconds: float) -> bool:
    with trio.move_on_after(seconds):
        while not condition():
            if process.gone:
                raise _removed(process)
            await process.changed.wait()
    return condition()


def _removed(process: Process) -> RpxError:
    return RpxError(f"{process.label} has been removed: it is no part of the project any more")
