"""Who starts after whom, and who stops before whom."""

from __future__ import annotations

from collections.abc import Collection

import trio

from rpx.hub.mailbox import OrderKind
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.status import AT_REST, State
from rpx.policy.depend import sentence
from rpx.policy.lifecycle import Move


async def await_turn(registry: Registry, process: Process) -> bool:
    """Wait until all that `process` depends on is there; False if it is told to stay down."""
    if registry.look_ahead(process):
        await _wait(registry, process)
        if process.state is not State.WAITING:
            return False
    if not process.has_run and (without := registry.done_without(process.spec)):
        missing = sentence(without).removeprefix("for ")
        registry.say(f"starts without {missing}: that is not required", process)
    return True


async def _wait(registry: Registry, process: Process) -> None:
    registry.move(process, Move.WAIT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_obey, registry, process)
        while process.state is State.WAITING and registry.look_ahead(process):
            await registry.changed.wait()
        nursery.cancel_scope.cancel(reason="its turn has come, or it is to stay down")


async def _obey(registry: Registry, process: Process) -> None:
    """An order to start changes nothing: it is what is being waited for."""
    async for order in process.mailbox.orders:
        order.take()
        if order.kind is OrderKind.STOP or not order.come_back:
            registry.move(process, Move.STOP)
            return  # what comes next is for whoever rests


async def dependants_gone(registry: Registry, process: Process) -> None:
    """Wait until nothing runs, or may start again, that depends on what `process` serves."""
    while True:
        names = {process.spec.name, *(each.spec.name for each in registry.endpoints_of(process))}
        if not any(_leans(each.own, names) for each in registry.everyone if each.own is not None):
            return
        await registry.changed.wait()


def _leans(process: Process, names: Collection[str]) -> bool:
    return process.state not in AT_REST and any(
        dependency.name in names for dependency in process.spec.depends_on
    )
