"""A life, cancelled at every step it has, one run per step. The idea is SQLite's."""

from __future__ import annotations

import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.orders import OrderKind
from tests.support.anomaly import CancelAtStep
from tests.support.bench import CHECK, Bench


async def eventful(bench: Bench) -> None:
    """Crash, restart, sickness, kill and stop, all in one life."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live, bench.life)
        await trio.sleep(1.5)
        bench.child.die(1)
        await trio.sleep(1.5)
        bench.order(OrderKind.RESTART)
        await trio.sleep(1.5)
        bench.failure = "503 Service Unavailable"
        await trio.sleep(8)
        bench.failure = None
        await trio.sleep(2)
        bench.order(OrderKind.KILL)
        await trio.sleep(2)
        bench.order(OrderKind.STOP)
        await trio.sleep(2)
        nursery.cancel_scope.cancel(reason="the story is told")


def test_no_child_outlives_a_cancel_anywhere() -> None:
    step = 0
    while True:
        step += 1
        scope = trio.CancelScope()
        hook = CancelAtStep(scope, step)
        benches: list[Bench] = []

        async def once(scope: trio.CancelScope = scope, benches: list[Bench] = benches) -> None:
            benches.append(Bench(check=CHECK))
            with scope:
                await eventful(benches[0])

        trio.run(once, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[hook])
        for bench in benches:
            assert all(child.done[-1] == "closed" for child in bench.children), f"step {step}"
        if hook.left > 0:
            break
    assert step > 100
    assert len(bench.children) == 5
