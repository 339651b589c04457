"""The life of a backend without a process: obeys its mailbox like the real one, at once."""

from __future__ import annotations

import math

import trio
import trio.testing

from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.policy.lifecycle import Move


class FakeLife:
    """Pids are `base + launches`. Says in `log` what it did; `broken`: it fails when launched;
    `silent`: it never shows that it is ready."""

    def __init__(self, registry: Registry, process: Process, base: int, log: list[str]) -> None:
        self.registry, self.process, self.base, self.log = registry, process, base, log
        self.broken = self.deaf = self.tough = self.silent = False

    async def run(self) -> None:
        while True:
            down_for = await self.one_run()
            with trio.move_on_after(down_for):
                await self.rest()

    async def one_run(self) -> float:
        registry, process = self.registry, self.process
        registry.move(process, Move.LAUNCH)
        registry.started(process, self.base + process.generation)
        self.log.append(f"{process.spec.label} up")
        if self.broken:
            registry.move(process, Move.GAVE_UP, reason="exited with status 1")
            return math.inf
        if self.silent:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        registry.move(process, Move.PROBE_UP)
        order = await self.heed()
        down = order.kind is OrderKind.STOP or not order.come_back
        registry.move(process, Move.RETIRED if down else Move.REPLACED, reason="ended")
        self.log.append(f"{process.spec.label} down")
        return math.inf if down else order.down_for

    async def heed(self) -> Order:
        """Wait for an order that ends the run."""
        if self.deaf:
            await trio.sleep_forever()
        async for order in self.process.mailbox.orders:
            if order.kind is OrderKind.KILL:
                order.hit, order.at = self.process.pid, self.registry.now()
            order.take()
            if order.kind is not OrderKind.START and not (self.tough and not order.fatal):
                return order
        raise AssertionError("the mailbox was closed")

    async def rest(self) -> None:
        async for order in self.process.mailbox.orders:
            order.take()
            if order.kind in (OrderKind.START, OrderKind.RESTART):
                return
            if order.kind is OrderKind.STOP:
                self.registry.move(self.process, Move.STOP)


class Fleet:
    """A fake life for each backend of ours, and the log of all."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.log: list[str] = []
        self.lives = {
            label: FakeLife(registry, backend.own, 1000 * number, self.log)
            for number, (label, backend) in enumerate(registry.backends.items(), 1)
            if backend.own is not None
        }

    async def start(self, nursery: trio.Nursery) -> None:
        """Begin every life, and wait until all of them have settled."""
        for life in self.lives.values():
            nursery.start_soon(life.run)
        await trio.testing.wait_all_tasks_blocked()
