"""Stories of processes without an address that have a health check."""

from __future__ import annotations

import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.registry import Registry
from rpx.model.config import Dependency, HealthCheck, Restart, Start
from rpx.model.specs import BackendSpec
from rpx.model.status import State
from tests.support.bench import CHECK, Bench, registry
from tests.support.specs import backend_spec, varied

Clock = trio.testing.MockClock
START = Start(command="true", cwd="/")


def bench(check: HealthCheck | None = CHECK, *, policy: str = "on-failure") -> Bench:
    start = START.model_copy(update={"restart": Restart(policy=policy)})
    db = backend_spec("db", start=start, health_check=check)
    return Bench(shared=registry(db), label="db")


def become(it: Bench, check: HealthCheck | None) -> None:
    """As a reload does, that touches no process."""
    it.registry.respec({it.backend: varied(it.backend.spec, health_check=check)})


async def test_it_is_ready_when_its_check_passes_and_unhealthy_when_that_fails_three_times(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = bench(policy="no")
    it.failure = "exited with status 2: no response"
    nursery.start_soon(live, it.life)
    await trio.sleep(30)
    assert it.story == ["0 starting"], "failures of who is starting don't count"
    assert it.process.last_error == "exited with status 2: no response"
    it.failure = None
    await trio.sleep(1)
    assert it.backend.in_rotation
    await trio.sleep(0.9)
    it.story  # noqa: B018 - what was before
    it.failure = "no end within 10 s"
    await trio.sleep(3)
    assert [each.partition(" ")[2] for each in it.story] == ["unhealthy"]
    assert it.process.last_error == "no end within 10 s"
    await trio.sleep(60)
    it.failure = None
    await trio.sleep(1)
    assert [each.partition(" ")[2] for each in it.story] == ["ready"]
    assert len(it.children) == 1, "its policy is `no`"


async def test_one_that_stays_unhealthy_is_replaced_and_asked_anew(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = bench()
    nursery.start_soon(live, it.life)
    await trio.sleep(0.5)
    it.failure = "connection refused"
    await trio.sleep(7)
    assert it.process.restarts == 1
    it.failure = None
    await trio.sleep(1)
    assert [each.partition(" ")[2] for each in it.story] == [
        "starting", "ready", "unhealthy", "draining", "stopping", "backoff", "starting", "ready",
    ]  # fmt: skip


async def test_failures_after_the_start_period_count(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = bench(CHECK.model_copy(update={"start_period": 10.0}))
    it.failure = "exited with status 1"
    nursery.start_soon(live, it.life)
    await trio.sleep(9.5)
    assert it.backend.state is State.STARTING
    await trio.sleep(5)
    assert it.story[1].endswith(" unhealthy")
    await trio.sleep(5)
    assert it.process.restarts == 1


async def test_another_check_holds_at_once_and_none_is_well_as_long_as_it_runs(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = bench(None, policy="no")
    nursery.start_soon(live, it.life)
    await trio.sleep(0.5)
    it.failure = "exited with status 1"
    await trio.sleep(60)
    assert it.story == ["0 starting", "0 ready"]
    become(it, CHECK)
    await trio.sleep(5)
    assert it.story == ["62.5 unhealthy"]
    become(it, None)
    await trio.sleep(1)
    assert it.story == ["65.5 ready"]
    become(it, HealthCheck(command="true", interval=600.0, unhealthy_threshold=1))
    await trio.sleep(1)
    assert it.story == ["66.5 unhealthy"]
    become(it, HealthCheck(tcp=None, command="false", interval=600.0, unhealthy_threshold=1))
    it.failure = None
    await trio.sleep(1)
    assert it.story[-1].endswith(" ready")
    it.child.die(1)
    await trio.sleep(1)
    become(it, CHECK)  # nobody asks what doesn't run
    assert it.story[-1].endswith(" failed")


async def test_what_depends_on_it_waits_until_it_is_healthy(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    db = backend_spec("db", start=START, health_check=CHECK)
    after = (Dependency(name="db", condition="healthy"),)
    api: BackendSpec = backend_spec("api", start=START, depends_on=after)
    the: Registry = registry(db, api)
    first, second = Bench(shared=the, label="db"), Bench(shared=the, label="api")
    first.failure = "exited with status 1: starting up"
    nursery.start_soon(live, first.life)
    nursery.start_soon(live, second.life)
    await trio.sleep(5)
    assert second.story == ["0 waiting"]
    [missing] = second.process.obstacles
    assert (missing.condition, missing.hopeless) == ("healthy", False)
    first.failure = None
    await trio.sleep(1)
    assert second.backend.state is State.READY
