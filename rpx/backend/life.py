"""The whole life of one backend, from first launch to last exit, in one place.

`live` is one loop: wait for one's turn, run a process to its end, decide once what the end means,
rest. The exit of the process is the only door out of a run: stop, restart, kill and failed health
all ask it to go.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

import trio

from rpx.backend.child_output import MARK, pump
from rpx.backend.health_checks import Vigil, watch_endpoint, watch_process
from rpx.backend.ready import overdue
from rpx.backend.sequence import await_turn
from rpx.errors import RpxError
from rpx.hub.descriptors import SHORTAGES
from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.patience import Patience
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import Location
from rpx.model.config import Start
from rpx.model.status import Intent
from rpx.policy.lifecycle import Move
from rpx.policy.restarts import (
    Again,
    History,
    StayDown,
    after_exit,
    end_of,
    ending,
    left_behind,
    out_of_means,
)

DRAIN = 10.0  # seconds that requests under way get before their backend is told to stop
SURVIVED = 10.0  # seconds after which a process has outlived a signal that it could ignore
HELD_FOR = 1.0  # seconds between two looks at a process that is stopped
STUBBORN = 0.2  # how long the rest of a process tree may outlive its killed listener
NOT_STARTED = 127  # the shell's code for a command that could not be run


class ChildLike(Protocol):
    """What a life needs of a process: the real one is `rpx.backend.child.Child`."""

    @property
    def pid(self) -> int: ...
    @property
    def output(self) -> trio.abc.ReceiveStream: ...
    @property
    def remains(self) -> tuple[int, ...]: ...
    async def wait(self) -> int: ...
    async def stop(self) -> None: ...
    async def see_off(self) -> tuple[str, ...]: ...
    async def sweep(self) -> None: ...
    async def strike(self, signum: int, at: Location | None) -> int: ...
    def kill(self) -> None: ...


class SignLike(Protocol):
    """By what a run is known to be ready: the real one is `rpx.backend.ready.Sign`."""

    def hear(self, text: bytes) -> None: ...
    async def begun(self) -> None: ...
    async def seen(self) -> None: ...


@dataclass
class Life:
    """Everything one life needs. Only through `registry` does it touch what others see."""

    registry: Registry
    process: Process
    look: Callable[[], None]  # at what its turn has brought; raises what it can't run without
    open: Callable[[], AbstractAsyncContextManager[ChildLike]]
    sign: Callable[[], SignLike]  # what a run shows when it is ready, new for each
    check: Callable[[], Awaitable[str | None]]  # why it isn't well, if so
    patience: Patience
    chance: Callable[[], float]
    wanted: bool = True  # False: it begins when somebody starts it
    held: Callable[[], Awaitable[bool]] | None = None  # it is stopped, by a debugger perhaps
    lend: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint  # its address, while it rests
    look_around: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint  # while it isn't ready
    hindrance: Callable[[int], Awaitable[str]] | None = None  # why it ended so before it was

    @property
    def start(self) -> Start:
        """What runs it: the next run may be another command than this one."""
        return self.process.spec.start


@dataclass
class Run:
    """One process, from spawn to exit, and the last order that was given about it."""

    order: Order | None = None
    unfit: str = ""  # why rpx itself replaces it
    unborn: str = ""  # why there has been no process
    short: bool = False  # the reason was rpx's own or the system's
    left: tuple[str, ...] = ()  # whom its leader left behind when it had done well
    leaving: bool = False  # told to go
    over: bool = False  # its leader has exited
    gone: trio.Event = field(default_factory=trio.Event)
    code: int = 0
    hindrance: str = ""  # who has its port, where that may be why it has ended
    born: float = field(default_factory=trio.current_time)
    uptime: float = 0.0


@dataclass(frozen=True, slots=True)
class Ear:
    """What a process says goes to all who show it, and to the sign that it may be ready by."""

    registry: Registry
    process: Process
    sign: SignLike

    def hear(self, text: bytes) -> None:
        """It has said whole lines."""
        self.registry.print(self.process, text)
        self.sign.hear(text)

    def murmur(self, text: bytes) -> None:
        """It has begun a line, and is silent."""
        self.registry.murmur(self.process, text + MARK)
        self.sign.hear(text)


async def live(life: Life) -> None:
    """Keep a process running as its restart policy and the orders in its mailbox say."""
    if not life.wanted:
        life.registry.move(life.process, Move.STOP)
        await rest(life, math.inf)
    while True:
        while not await await_turn(life.registry, life.process):
            await rest(life, math.inf)
        run = await run_once(life)
        await rest(life, settle(life, run))


async def run_once(life: Life) -> Run:
    """Start a process, see it through to its exit, leave nothing of it behind."""
    registry, process, run = life.registry, life.process, Run()
    registry.move(process, Move.LAUNCH)
    try:
        life.look()
        sign = life.sign()
        ear = Ear(registry, process, sign)
        async with life.open() as child, trio.open_nursery() as readers:
            registry.started(process, child.pid)
            readers.start_soon(pump, child.output, ear.hear, ear.murmur)
            async with trio.open_nursery() as helpers:
                helpers.start_soon(handle_orders, life, child, run, helpers)
                helpers.start_soon(supervise, life, child, run, sign)
                helpers.start_soon(enforce_ready_timeout, life, child, run, sign)
                helpers.start_soon(life.look_around)
                run.code = await child.wait()
                run.over = True
                registry.exited(process)
                if not run.leaving and run.code in life.start.success_exit_codes:
                    run.left = await child.see_off()
                if run.leaving:
                    await run.gone.wait()  # the rest of its group has its grace period too
                helpers.cancel_scope.cancel(reason="the process exited")
            await child.sweep()  # the output ends with it, whoever else may hold the pipe
            if run.code and life.hindrance is not None and not registry.has_seen(process):
                run.hindrance = await life.hindrance(run.code)
            for pid in child.remains:
                registry.say(f"process {pid} outlives SIGKILL: it is stuck in the kernel", process)
    except (OSError, RpxError) as error:  # plain, not in a group: only the start itself raises it
        if isinstance(error, OSError) and error.errno in SHORTAGES:
            run.short = True
            run.unborn = f"the system can't start another process: {error.strerror}"
            return run
        why = "; ".join(p.what for p in error.problems) if isinstance(error, RpxError) else error
        hints = [p.hint for p in error.problems if p.hint] if isinstance(error, RpxError) else []
        lines = (f"cannot start: {why}", *(f"hint: {hint}" for hint in hints))
        registry.print(process, "".join(f"rpx: {line}\n" for line in lines).encode())
        run.code, run.unborn = NOT_STARTED, f"could not be started: {why}"
    run.uptime = trio.current_time() - run.born
    return run


def settle(life: Life, run: Run) -> float:
    """Decide, once, what the end of `run` means. Return the seconds of rest that are due."""
    registry, process = life.registry, life.process
    what = run.unfit or run.unborn or ending(run.code)
    if run.hindrance and not run.leaving:
        what += f" ({run.hindrance})"
    left = f"; {left_behind(run.left)}" if run.left else ""
    ended = what if run.unborn else f"{what} after {run.uptime:.1f} s{left}"
    registry.ended(process, what, run.code, run.uptime)
    history = process.history
    registry.remember(process, History())
    if run.order is not None:
        if run.order.kind is OrderKind.STOP or not run.order.come_back:
            registry.move(process, Move.RETIRED, reason=ended)
            return math.inf
        registry.remember(process, history)
        registry.move(process, Move.REPLACED, reason=ended)
        return run.order.down_for
    if not (run.unfit or run.short):
        registry.ended_unasked(process)
    verdict: Again | StayDown = (
        out_of_means(history)
        if run.short
        else after_exit(
            life.start.restart,
            history,
            what=what + left,
            end=end_of(run.code, life.start, unfit=bool(run.unfit)),
            uptime=0 if run.unfit else run.uptime,  # up, but not well
            now=trio.current_time(),
            chance=life.chance(),
        )
    )
    if isinstance(verdict, Again):
        why = f"{ended}, restart in {verdict.delay:.1f} s"
        registry.remember(process, verdict.history)
        registry.move(process, Move.CRASHED, reason=why)
        return verdict.delay
    registry.move(
        process,
        Move.GAVE_UP if verdict.gave_up else Move.FINISHED,
        reason=verdict.reason or ended,
    )
    return math.inf


async def rest(life: Life, seconds: float) -> None:
    """Stay down until the time has passed or somebody says start."""
    async with trio.open_nursery() as meanwhile:
        meanwhile.start_soon(life.lend)
        await wanted_again(life, seconds)
        meanwhile.cancel_scope.cancel(reason="its own process is next")


async def wanted_again(life: Life, seconds: float) -> None:
    """Wait until the time has passed or somebody says start."""
    process = life.process
    life.registry.rest(process, trio.current_time() + seconds)
    with trio.move_on_after(seconds) as nap:
        async for order in process.mailbox.orders:
            order.take()
            if order.kind in (OrderKind.START, OrderKind.RESTART):
                life.registry.want(process, Intent.UP)
                return
            if order.kind is OrderKind.STOP or not order.come_back:
                life.registry.move(process, Move.STOP)
                nap.deadline = math.inf
        await trio.sleep_forever()  # the mailbox was closed: nobody can call, so sleep it out


async def handle_orders(life: Life, child: ChildLike, run: Run, helpers: trio.Nursery) -> None:
    """Act on orders while the process runs. The last one decides what follows its exit."""
    registry, process = life.registry, life.process
    async for order in process.mailbox.orders:
        if order.kind is OrderKind.KILL:
            stopping = run.order is not None and run.order.kind is OrderKind.STOP
            if order.asks_to_end and not stopping:
                run.order = order
                registry.want(process, Intent.AGAIN if order.come_back else Intent.DOWN)
            order.hit = await child.strike(order.signal, process.spec.listens)
            order.at = registry.now()
            helpers.start_soon(finish_off, life, child, run, order)
        elif order.kind is not OrderKind.START or run.order is not None:
            run.order = order
            stays_down = order.kind is OrderKind.STOP
            registry.want(process, Intent.DOWN if stays_down else Intent.AGAIN)
            if not run.leaving:
                run.leaving = True
                registry.move(process, Move.STOP)
                helpers.start_soon(wind_down, life, child, run)
        order.take()


async def wind_down(life: Life, child: ChildLike, run: Run) -> None:
    """Let the requests under way finish, then end the process and all it started."""
    with life.patience.within(0 if run.unfit else DRAIN):
        await life.registry.wait_drained(life.process)
    life.registry.move(life.process, Move.DRAINED)
    await child.stop()
    run.gone.set()


async def finish_off(life: Life, child: ChildLike, run: Run, order: Order) -> None:
    """The listener is dead: what stood around it may have a moment to notice.

    If the signal left it alive, its exit, when it comes, is a matter of its own again.
    """
    if order.fatal:
        await trio.sleep(STUBBORN)
        child.kill()
        return
    await trio.sleep(SURVIVED)
    if run.order is order:
        run.order = None
        life.registry.want(life.process, Intent.UP)


async def supervise(life: Life, child: ChildLike, run: Run, sign: SignLike) -> None:
    """Wait until the process is ready, then watch its health; at last, replace it."""
    if life.start.oneshot:  # it is to end: how it did is all there is to know
        return
    await sign.begun()
    run.born = trio.current_time()
    await sign.seen()
    endpoint = life.registry.own_endpoint(life.process)
    vigil = Vigil(
        life.check,
        over=lambda: run.leaving or run.over,
        until_hopeless=lambda: life.start.replaced_when_sick,
        born=run.born,
    )
    if endpoint is None:
        await watch_process(life.registry, life.process, vigil)
    else:
        await watch_endpoint(life.registry, endpoint, vigil)
    await replace(life, child, run, "stayed unhealthy")


async def enforce_ready_timeout(life: Life, child: ChildLike, run: Run, sign: SignLike) -> None:
    """Replace a process that takes too long to become ready."""
    await sign.begun()
    timeout = life.start.ready.timeout if life.start.ready else None
    if life.start.oneshot:
        return
    while await overdue(life.registry, life.process, timeout):
        if life.held is not None and await life.held():  # its time rests, and begins anew then
            await trio.sleep(HELD_FOR)
            continue
        await replace(life, child, run, f"not ready within {timeout:g} s")


async def replace(life: Life, child: ChildLike, run: Run, why: str) -> None:
    """End a process that is no good, as if it had crashed."""
    if not run.leaving and not run.over:
        run.unfit = why
        run.leaving = True
        life.registry.want(life.process, Intent.AGAIN)
        life.registry.move(life.process, Move.STOP, reason=why)
        await wind_down(life, child, run)
