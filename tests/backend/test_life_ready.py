"""Stories of starting: when a backend is ready, and what becomes of one that never is."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.mailbox import OrderKind
from rpx.model.config import Ready, Restart
from rpx.model.status import Note, State
from tests.support.bench import CHECK, Bench, begun

Clock = trio.testing.MockClock


async def test_its_own_sign_comes_first_and_then_its_health(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(5)
    assert bench.story == ["0 starting"]
    bench.failure = "503 Service Unavailable"
    bench.sign.set()
    await trio.sleep(5)
    assert bench.story == []
    bench.failure = None
    await trio.sleep(1)
    assert bench.backend.state is State.READY


async def test_who_is_not_ready_in_time_is_replaced_as_if_it_had_crashed(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(ready=Ready(log="up", timeout=5))
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(5.05)
    assert bench.story == ["0 starting", "5 stopping", "5 backoff"]
    assert bench.backend.last_error == "not ready within 5 s after 5.0 s, restart in 0.1 s"
    await trio.sleep(30)
    starts = [entry for entry in bench.story if entry.endswith("starting")]
    assert starts[:3] == ["5.1 starting", "10.3 starting", "15.7 starting"]  # the rests grow


async def test_the_time_to_become_ready_is_over_with_the_first_answer(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, ready=Ready(timeout=5))
    nursery.start_soon(live, bench.life)
    await trio.sleep(4)
    bench.failure = "500 Internal Server Error"
    await trio.sleep(3.5)
    bench.failure = None
    await trio.sleep(100)
    assert len(bench.children) == 1


async def test_without_a_restart_policy_it_has_failed(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(ready=Ready(timeout=5), restart=Restart(policy="no"))
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(10)
    assert bench.backend.state is State.FAILED
    assert bench.backend.last_error == "not ready within 5 s, and its restart policy is `no`"


async def test_a_stop_while_it_becomes_ready_is_obeyed_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(ready=Ready(timeout=5))
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.STOP)
    await trio.sleep(100)
    assert bench.story == ["0 starting", "1 stopping", "1 stopped"]


async def test_an_exit_ends_the_wait_for_the_sign(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(ready=Ready(timeout=60))
    bench.sign = trio.Event()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(1)
    await trio.sleep(0.05)
    assert bench.story == ["0 starting", "1 backoff"]


async def test_failures_count_once_the_start_period_is_over(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK.model_copy(update={"start_period": 20.0}))
    bench.failure = "connection refused"
    nursery.start_soon(live, bench.life)
    await trio.sleep(20)
    assert bench.story == ["0 starting"]
    await trio.sleep(10)
    states = [entry.split()[1] for entry in bench.story]
    assert states[:4] == ["unhealthy", "draining", "stopping", "backoff"]


@pytest.mark.parametrize("start_period", [None, 20.0])
async def test_within_the_start_period_it_may_fail_and_then_be_ready(
    nursery: trio.Nursery, autojump_clock: Clock, start_period: float | None
) -> None:
    bench = Bench(check=CHECK.model_copy(update={"start_period": start_period}))
    bench.failure = "503 Service Unavailable"
    nursery.start_soon(live, bench.life)
    await trio.sleep(19)
    bench.failure = None
    await trio.sleep(2)
    assert bench.backend.state is State.READY


async def test_after_its_first_pass_failures_count_within_the_start_period_too(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, check=CHECK.model_copy(update={"start_period": 100.0}))
    bench.failure = "503 Service Unavailable"
    await trio.sleep(5)
    assert bench.backend.state is State.UNHEALTHY


async def test_who_takes_long_is_spoken_of_at_growing_intervals(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(ready=Ready(log="up"))
    bench.sign = trio.Event()
    with bench.registry.events.subscribe() as news:
        nursery.start_soon(live, bench.life)
        await trio.sleep(100)
        notes = [event.text for event in news.take() if isinstance(event, Note)]
    signs = "a line that matches `up`, then a connection to localhost:3000"
    assert notes == [f"not ready after {seconds} s: {signs}" for seconds in (10, 30, 90)]
