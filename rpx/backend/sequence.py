"""Who starts after whom, and who stops before whom."""

from __future__ import annotations

import trio

from rpx.hub.mailbox import OrderKind
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.model.status import AT_REST, State
from rpx.policy.lifecycle import Move


async def await_turn(registry: Registry, backend: Backend) -> bool:
    """Wait until all that `backend` depends on is there; False if it is told to stay down."""
    if not registry.look_ahead(backend):
        return True
    registry.move(backend, Move.WAIT)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_obey, registry, backend)
        while backend.state is State.WAITING and registry.look_ahead(backend):
            await registry.changed.wait()
        nursery.cancel_scope.cancel(reason="its turn has come, or it is to stay down")
    return backend.state is State.WAITING


async def _obey(registry: Registry, backend: Backend) -> None:
    """An order to start changes nothing: it is what is being waited for."""
    async for order in backend.mailbox.orders:
        order.take()
        if order.kind is OrderKind.STOP or not order.come_back:
            registry.move(backend, Move.STOP)
            return  # what comes next is for whoever rests


async def dependants_gone(registry: Registry, backend: Backend) -> None:
    """Wait until nothing runs, or may start again, that depends on `backend`."""
    while any(_leans(other, backend) for other in registry.everyone):
        await registry.changed.wait()


def _leans(other: Backend, backend: Backend) -> bool:
    names = {each.spec.name for each in (backend, *backend.others)}
    return other.state not in AT_REST and any(
        dependency.name in names for dependency in other.spec.depends_on
    )
