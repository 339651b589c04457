"""Stories of health: what checks and requests say of a backend, and what follows."""

from __future__ import annotations

from typing import Literal

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.model.config import Restart
from rpx.model.status import State
from tests.support.bench import CHECK, Bench, process_of

Clock = trio.testing.MockClock


async def test_three_failed_checks_in_a_row_take_a_backend_out(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, restart=Restart(policy="no"))
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "500 Internal Server Error"
    await trio.sleep(2)
    assert bench.backend.in_rotation
    await trio.sleep(1)
    assert bench.story[-1] == "3 unhealthy"
    assert not bench.backend.in_rotation
    bench.failure = None
    await trio.sleep(1)
    assert bench.story == ["4 ready"]


async def test_a_backend_that_stays_unhealthy_is_replaced(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "no answer within 0.5 s"
    await trio.sleep(5)
    assert len(bench.children) == 1
    await trio.sleep(2)
    assert bench.story[2:7] == [
        "3 unhealthy", "6 draining", "6 stopping", "6 backoff", "6.1 starting",
    ]  # fmt: skip
    assert "stop" in bench.children[0].done
    assert process_of(bench.backend).restarts == 1


async def test_a_paused_backend_may_be_sick_as_long_as_somebody_looks_into_it(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.registry.pause(bench.endpoint)
    bench.failure = "no answer within 0.5 s"
    await trio.sleep(60)
    assert bench.story[2:] == ["0.5 paused"]
    assert len(bench.children) == 1
    bench.registry.resume(bench.endpoint)
    await trio.sleep(2)
    assert bench.story[:3] == ["60.5 unhealthy", "61 draining", "61 stopping"]


async def test_one_passed_check_begins_the_count_of_failures_anew(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "no answer within 0.5 s"
    await trio.sleep(5)
    bench.failure = None
    await trio.sleep(1)
    bench.failure = "no answer within 0.5 s"
    await trio.sleep(5)
    assert len(bench.children) == 1


async def test_a_refused_connection_is_looked_into_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(5)
    bench.failure = "connection refused"
    bench.registry.connect_failed(bench.endpoint, "connection refused")
    assert not bench.backend.in_rotation
    await trio.sleep(0.5)
    assert bench.backend.state is State.UNHEALTHY
    bench.failure = None
    await trio.sleep(1)
    assert bench.backend.in_rotation
    assert len(bench.children) == 1


async def test_an_unhealthy_backend_that_nobody_replaces_is_not_waited_for(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, restart=Restart(policy="no"))
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "500 Internal Server Error"
    await trio.sleep(5)
    assert bench.backend.state is State.UNHEALTHY
    assert not bench.process.returning


@pytest.mark.parametrize(
    ("policy", "asked", "processes"),
    [("on-failure", False, 1), ("no", True, 2), ("no", None, 1), ("on-failure", None, 2)],
)
async def test_whether_a_sick_process_is_replaced_can_be_said(
    nursery: trio.Nursery,
    autojump_clock: Clock,
    policy: Literal["no", "on-failure"],
    asked: bool | None,
    processes: int,
) -> None:
    bench = Bench(check=CHECK, restart=Restart(policy=policy), restart_on_unhealthy=asked)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "500 Internal Server Error"
    await trio.sleep(8)
    assert len(bench.children) == processes
