"""A life, cancelled at every step it has, one run per step. The idea is SQLite's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.mailbox import OrderKind
from rpx.hub.registry import Registry
from rpx.model.config import Dependency
from rpx.model.ports import Ports
from tests.support.anomaly import CancelAtStep
from tests.support.bench import CHECK, Bench, start_of
from tests.support.specs import backend_spec


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


async def waiting(db: Bench, web: Bench) -> None:
    """One waits for the other, is stopped and started meanwhile, and its turn comes."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(live, web.life)
        nursery.start_soon(live, db.life)
        await trio.sleep(1)
        web.order(OrderKind.STOP)
        web.order(OrderKind.START)
        await trio.sleep(1)
        db.sign.set()
        await trio.sleep(1)
        db.child.die(1)
        web.child.die(1)
        await trio.sleep(1)
        nursery.cancel_scope.cancel(reason="the story is told")


def one() -> list[Bench]:
    return [Bench(check=CHECK)]


def two() -> list[Bench]:
    start = start_of(Bench().backend)
    db = backend_spec("db", 1, start=start)
    needs = (Dependency(name="db", condition="healthy"),)
    web = backend_spec("web", 1, start=start, depends_on=needs)
    shared = Registry([web, db], {}, clock=trio.current_time, ports=Ports(80))
    benches = [Bench(shared=shared, label=label) for label in ("db", "web")]
    benches[0].sign = trio.Event()
    return benches


@pytest.mark.parametrize(
    ("make", "story", "children"), [(one, eventful, [5]), (two, waiting, [2, 2])]
)
def test_no_child_outlives_a_cancel_anywhere(
    make: Callable[[], list[Bench]], story: Callable[..., Awaitable[None]], children: list[int]
) -> None:
    step = 0
    while True:
        step += 1
        scope = trio.CancelScope()
        hook = CancelAtStep(scope, step)
        benches: list[Bench] = []

        async def once(scope: trio.CancelScope = scope, benches: list[Bench] = benches) -> None:
            benches += make()
            with scope:
                await story(*benches)

        trio.run(once, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[hook])
        for bench in benches:
            assert all(child.done[-1] == "closed" for child in bench.children), f"step {step}"
        if hook.left > 0:
            break
    assert step > 50
    assert [len(bench.children) for bench in benches] == children
