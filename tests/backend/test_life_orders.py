"""Stories of orders: stop, restart, start and kill, at every moment of a life."""

from __future__ import annotations

import signal

import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.mailbox import OrderKind
from rpx.model.address import Location
from rpx.model.config import Restart
from rpx.model.status import Note, State
from tests.support.bench import Bench, begun, process_of

Clock = trio.testing.MockClock


async def test_stop_waits_for_requests_under_way_and_is_final(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.registry.enter(bench.endpoint)
    bench.order(OrderKind.STOP)
    await trio.sleep(2)
    assert bench.child.done == []
    assert not bench.backend.in_rotation
    bench.registry.leave(bench.endpoint)
    await trio.sleep(1000)
    assert bench.story == ["0 starting", "0 ready", "1 draining", "3 stopping", "3 stopped"]
    assert len(bench.children) == 1


async def test_a_tunnel_does_not_keep_a_backend_from_stopping(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.registry.enter(bench.endpoint)
    bench.registry.outlast(bench.endpoint)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    assert bench.story[-1] == "1 stopped"
    bench.registry.leave(bench.endpoint, lasting=True)
    assert (bench.backend.in_flight, bench.endpoint.lasting) == (0, 0)


async def test_a_drain_does_not_last_for_ever(nursery: trio.Nursery, autojump_clock: Clock) -> None:
    bench = await begun(nursery)
    bench.registry.enter(bench.endpoint)
    bench.order(OrderKind.STOP)
    await trio.sleep(100)
    assert bench.story[-2:] == ["11 stopping", "11 stopped"]


async def test_lost_patience_ends_a_drain_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.registry.enter(bench.endpoint)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    bench.patience.lose()
    await trio.sleep(1)
    assert bench.story[-1] == "2 stopped"


async def test_restart_needs_no_rest_and_no_budget(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(max_restarts=1))
    nursery.start_soon(live, bench.life)
    for _ in range(10):
        await trio.sleep(1)
        bench.order(OrderKind.RESTART)
    await trio.sleep(1)
    assert bench.backend.state is State.READY
    assert len(bench.children) == 11
    assert process_of(bench.backend).restarts == 10


async def test_the_last_order_decides_what_follows_the_exit(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, stubborn=True)
    bench.order(OrderKind.RESTART)
    await trio.sleep(1)
    assert bench.process.returning
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    assert not bench.process.returning
    await trio.sleep(100)
    assert bench.story[-1] == "11 stopped"
    assert bench.child.done.count("stop") == 1


async def test_start_while_stopping_brings_it_back(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, stubborn=True)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    bench.order(OrderKind.START)
    await trio.sleep(100)
    assert bench.backend.state is State.READY
    assert len(bench.children) == 2


async def test_start_of_a_running_backend_changes_nothing(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    order = bench.order(OrderKind.START)
    await trio.sleep(1)
    assert order.taken.is_set()
    assert bench.story == ["0 starting", "0 ready"]


async def test_stop_during_backoff_means_stay_down(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.die(1)
    await trio.testing.wait_all_tasks_blocked()
    bench.order(OrderKind.STOP)
    await trio.sleep(1000)
    assert bench.story[-1] == "1 stopped"
    bench.order(OrderKind.START)
    await trio.sleep(1)
    assert bench.story[-1] == "1001 ready"


async def test_a_killed_backend_comes_back_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    order = bench.order(OrderKind.KILL)
    await trio.sleep(1)
    assert order.hit == 1000
    assert bench.children[0].done[0] == "SIGKILL to localhost:3000"
    assert bench.story == ["0 starting", "0 ready", "1 backoff", "1 starting", "1 ready"]


async def test_a_killed_backend_stays_down_as_long_as_it_is_told(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.order(OrderKind.KILL, down_for=10.0)
    await trio.sleep(20)
    assert bench.story[-3:] == ["1 backoff", "11 starting", "11 ready"]
    bench.order(OrderKind.KILL, come_back=False)
    await trio.sleep(100)
    assert bench.backend.state is State.STOPPED


async def test_what_outlives_its_killed_listener_is_killed_too(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    class Shell(Bench):
        pass

    bench = Shell()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    child = bench.child
    child.strike = _misses  # type: ignore[method-assign]
    bench.order(OrderKind.KILL)
    await trio.sleep(0.15)
    assert bench.backend.state is State.READY
    await trio.sleep(0.1)
    assert bench.story[-2:] == ["1.2 starting", "1.2 ready"]


async def _misses(signum: int, at: Location | None) -> int:
    await trio.lowlevel.checkpoint()
    return 4711


async def test_a_signal_that_only_suspends_leaves_no_order_behind(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.order(OrderKind.KILL, signal=signal.SIGSTOP, come_back=False)
    await trio.sleep(1)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.backend.state is State.READY


async def test_a_process_that_outlives_a_signal_crashes_on_its_own_account(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.order(OrderKind.KILL, signal=signal.SIGTERM, come_back=False)
    await trio.sleep(5)
    assert bench.life.process.state is State.READY
    await trio.sleep(20)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.story[-2:] == ["26.1 starting", "26.1 ready"]


async def test_a_later_kill_takes_the_place_of_an_earlier_one_but_not_of_a_stop(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.order(OrderKind.KILL, signal=signal.SIGHUP)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, come_back=False)
    await trio.sleep(5)
    assert bench.backend.state is State.STOPPED


async def test_what_even_sigkill_cannot_end_is_named(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    with bench.registry.events.subscribe() as news:
        nursery.start_soon(live, bench.life)
        await trio.sleep(1)
        bench.child.remains = (4711,)
        bench.child.die(1)
        await trio.sleep(0.05)
        told = [event.text for event in news.take() if isinstance(event, Note)]
    assert told == ["process 4711 outlives SIGKILL: it is stuck in the kernel"]
