"""Stories of backends that wait for each other: fake children on a mock clock, real lives."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio
import trio.testing

from rpx.backend.life import live
from rpx.backend.sequence import dependants_gone
from rpx.hub.mailbox import OrderKind
from rpx.hub.registry import Registry
from rpx.model.config import Dependency, Restart
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec
from rpx.model.status import Note, State
from tests.support.bench import Bench, start_of
from tests.support.specs import backend_spec

Clock = trio.testing.MockClock


def process(name: str, *, oneshot: bool = False, **depends_on: Any) -> BackendSpec:  # noqa: ANN401 - a condition
    """Return a process, and what it depends on as name=condition; with a `?` not required."""
    restart = Restart(policy="no" if oneshot else "on-failure")
    start = start_of(Bench(oneshot=oneshot, restart=restart).backend)
    needs = tuple(
        Dependency(name=other, condition=each.removesuffix("?"), required=not each.endswith("?"))
        for other, each in depends_on.items()
    )
    return backend_spec(name, 1, start=start, depends_on=needs)


class Shop:
    """Several lives that share a registry."""

    def __init__(self, *specs: BackendSpec) -> None:
        self.registry = Registry(specs, {}, clock=trio.current_time, ports=Ports(8080))
        self.benches = {s.label: Bench(shared=self.registry, label=s.label) for s in specs}
        self._subscription = self.registry.events.subscribe(1000)
        self.news = self._subscription.__enter__()  # lives as long as the shop

    def __getitem__(self, name: str) -> Bench:
        return self.benches[name]

    def open(self, nursery: trio.Nursery) -> None:
        for bench in self.benches.values():
            nursery.start_soon(live, bench.life)

    def state(self, name: str) -> State:
        return self[name].backend.state

    def waits_for(self, name: str) -> list[tuple[str, str, bool]]:
        return [(o.name, o.why, o.hopeless) for o in self[name].backend.obstacles]

    def notes(self) -> list[str]:
        return [f"{e.label} {e.text}" for e in self.news.take() if isinstance(e, Note)]


async def test_a_service_starts_once_what_it_depends_on_is_ready(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", api="healthy"), process("api", db="healthy"), process("db"))
    shop["db"].sign = trio.Event()
    shop.open(nursery)
    await trio.sleep(3)
    assert shop["web"].story == ["0 waiting"]
    assert shop.waits_for("api") == [("db", "starting", False)]
    assert shop.waits_for("web") == [("api", "waiting for db", False)]
    assert shop["api"].process.returning
    shop["db"].sign.set()
    await trio.sleep(2)
    assert [shop.state(name) for name in ("web", "api", "db")] == [State.READY] * 3
    assert shop["web"].backend.obstacles == ()
    assert not shop.notes()
    nursery.cancel_scope.cancel()


async def test_started_does_not_wait_until_it_answers(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", db="started"), process("db"))
    shop["db"].sign = trio.Event()
    shop.open(nursery)
    await trio.sleep(0.1)
    assert shop["web"].story[-2:] == ["0 starting", "0 ready"]
    assert shop.state("db") is State.STARTING
    nursery.cancel_scope.cancel()


async def test_a_oneshot_that_ends_badly_keeps_others_down_until_it_comes_right(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(
        process("web", api="healthy"),
        process("api", migrate="completed"),
        process("migrate", oneshot=True),
    )
    shop.open(nursery)
    await trio.sleep(1)
    assert shop.waits_for("api") == [("migrate", "starting", False)]
    shop["migrate"].child.die(3)
    await trio.sleep(100)
    why = "failed: exited with status 3, and its restart policy is `no`"
    assert shop.waits_for("api") == [("migrate", why, True)]
    assert shop.waits_for("web") == [("api", "waiting for migrate", True)]
    assert not shop["api"].process.returning
    assert shop.notes() == [
        f"api does not start: it waits for migrate ({why})",
        "web does not start: it waits for api (waiting for migrate)",
    ]
    shop["migrate"].order(OrderKind.START)
    await trio.sleep(1)
    shop["migrate"].child.die(0)
    await trio.sleep(1)
    assert shop.state("api") is shop.state("web") is State.READY
    nursery.cancel_scope.cancel()


async def test_a_restart_while_it_waits_makes_no_second_process(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", db="healthy"), process("db"))
    shop["db"].sign = trio.Event()
    shop.open(nursery)
    await trio.sleep(1)
    orders = [shop["web"].order(kind) for kind in (OrderKind.RESTART, OrderKind.START)]
    await trio.sleep(1)
    assert all(order.taken.is_set() for order in orders)
    assert shop.state("web") is State.WAITING
    shop["db"].sign.set()
    await trio.sleep(10)
    assert shop.state("web") is State.READY
    assert len(shop["web"].children) == 1
    nursery.cancel_scope.cancel()


async def test_a_stop_while_it_waits_means_stay_down_and_a_start_after_it_counts(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", db="healthy"), process("db"))
    shop["db"].sign = trio.Event()
    shop.open(nursery)
    await trio.sleep(1)
    shop["web"].order(OrderKind.STOP)
    await trio.sleep(1)
    assert shop.state("web") is State.STOPPED
    shop["db"].sign.set()
    await trio.sleep(5)
    assert shop.state("web") is State.STOPPED
    shop["db"].sign = trio.Event()
    shop["db"].order(OrderKind.RESTART)
    await trio.sleep(1)
    shop["web"].order(OrderKind.START)
    await trio.sleep(1)
    assert shop.state("web") is State.WAITING
    shop["web"].order(OrderKind.STOP)
    shop["web"].order(OrderKind.START)  # at once: it must not be swallowed by the wait
    await trio.sleep(1)
    assert shop.state("web") is State.WAITING
    nursery.cancel_scope.cancel()


async def test_a_crashed_service_waits_for_its_dependency_before_it_comes_back(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", db="healthy"), process("db"))
    shop.open(nursery)
    await trio.sleep(1)
    shop["db"].order(OrderKind.STOP)
    await trio.sleep(1)
    assert shop.state("web") is State.READY  # what runs is left alone
    shop["web"].child.die(1)
    await trio.sleep(50)
    assert shop["web"].story[-2:] == ["2 backoff", "2.1 waiting"]
    [(_, why, hopeless)] = shop.waits_for("web")
    assert why.startswith("stopped: ")
    assert hopeless
    shop["db"].order(OrderKind.START)
    await trio.sleep(1)
    assert shop.state("web") is State.READY
    nursery.cancel_scope.cancel()


async def test_nobody_goes_before_those_that_depend_on_it(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(process("web", api="healthy"), process("api", db="started"), process("db"))
    gone: list[str] = []

    async def see_off(name: str) -> None:
        await dependants_gone(shop.registry, shop[name].process)
        gone.append(f"{trio.current_time():g} {name}")

    shop.open(nursery)
    await trio.sleep(1)
    for name in shop.benches:
        nursery.start_soon(partial(see_off, name))
    await trio.sleep(1)
    assert gone == ["1 web"]
    shop["web"].order(OrderKind.STOP)
    await trio.sleep(1)
    shop["api"].child.die(1)  # it will be back: its dependency must stay
    await trio.sleep(1)
    assert gone == ["1 web", "2 api"]
    shop["api"].order(OrderKind.STOP)
    await trio.sleep(1)
    assert gone[2:] == ["4 db"]
    nursery.cancel_scope.cancel()


async def test_what_is_not_required_is_waited_for_as_long_as_it_may_come(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    shop = Shop(
        process("web", api="healthy?", gone="started?"),
        process("api", migrate="completed"),
        process("migrate", oneshot=True),
        process("db"),
    )
    shop.open(nursery)
    await trio.sleep(5)
    assert shop.state("web") is State.WAITING
    shop["migrate"].child.die(3)
    await trio.sleep(1)
    assert [shop.state(name) for name in ("web", "api")] == [State.READY, State.WAITING]
    assert shop.notes()[-1] == (
        "web starts without api (waiting for migrate) and gone (not a part of this run):"
        " that is not required"
    )
    shop["web"].child.die(1)
    await trio.sleep(1)
    assert shop.state("web") is State.READY
    assert shop.notes() == [], "said once"
    nursery.cancel_scope.cancel()
