"""Pause and resume, with fake lives: what is done, and what is said about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from rpx.errors import UsageError
from rpx.model.config import Start
from rpx.model.status import State
from rpx.orders import verbs
from rpx.orders.pausing import pause, resume
from rpx.policy.lifecycle import Move
from tests.orders.fake_life import Fleet
from tests.support.bench import external, registry, spec
from tests.support.specs import backend_spec

WORKER = backend_spec("worker", 1, start=Start(command="true", cwd=Path("/")))


@pytest.fixture
async def fleet(nursery: trio.Nursery) -> AsyncIterator[Fleet]:
    fleet = Fleet(registry(spec(3000), spec(3001), external(3005), WORKER))
    await fleet.start(nursery)
    yield fleet
    nursery.cancel_scope.cancel()


async def said(fleet: Fleet, *names: str, again: bool = False) -> list[str]:
    outcomes = await (resume if again else pause)(fleet.registry, names)
    assert not any(outcome.exit_code for outcome in outcomes)
    return [outcome.sentence for outcome in outcomes]


async def test_a_pause_says_what_goes_on_and_a_second_one_that_it_was_so(fleet: Fleet) -> None:
    backend = fleet.registry.endpoint("api:3001")
    fleet.registry.enter(backend)
    assert await said(fleet, "3001") == [
        "api:3001 paused, out of rotation, 1 under way may finish, process left running (pid 2001)"
    ]
    assert await said(fleet, "3001") == ["api:3001 was paused already"]
    assert not backend.in_rotation
    assert fleet.registry.snapshot()[1].state is State.PAUSED
    fleet.registry.leave(backend)
    assert await said(fleet, "3001", again=True) == ["api:3001 resumed, in rotation"]
    assert await said(fleet, "3001", again=True) == ["api:3001 was not paused"]
    assert backend.in_rotation


async def test_whoever_runs_a_backend_it_can_be_paused(fleet: Fleet) -> None:
    fleet.registry.judge(fleet.registry.endpoint("api:3005"), Move.PROBE_UP)
    assert await said(fleet, "3005") == ["api:3005 paused, out of rotation"]
    assert await said(fleet, "3005", again=True) == ["api:3005 resumed, in rotation"]


async def test_it_is_said_when_nobody_is_left(fleet: Fleet) -> None:
    *_, last = await said(fleet, "api")
    assert last.endswith(
        "api:3005 paused, out of rotation; no backend is in rotation for api.localhost now"
    )


async def test_a_pause_outlasts_stop_start_and_restart(fleet: Fleet) -> None:
    await verbs.stop(fleet.registry, ["3001"])
    assert await said(fleet, "3001") == [
        "api:3001 paused: it is stopped, and stays out of rotation when it is back"
    ]
    [started] = await verbs.start(fleet.registry, ["3001"])
    assert started.sentence == "api:3001 ready (pid 2002) after 0.0 s, still paused"
    assert started.state is State.PAUSED
    [again] = await verbs.restart(fleet.registry, ["3001"])
    assert again.sentence.endswith("ready after 0.0 s, still paused")
    assert not fleet.registry.endpoint("api:3001").in_rotation


async def test_one_that_is_not_well_is_resumed_but_not_in_rotation(fleet: Fleet) -> None:
    await pause(fleet.registry, ["3005"])
    assert await said(fleet, "3005", again=True) == [
        "api:3005 resumed: it is unhealthy, and in rotation when it is ready"
    ]


async def test_what_gets_no_requests_cannot_be_paused_and_nothing_else_is_then(
    fleet: Fleet,
) -> None:
    with pytest.raises(UsageError, match="`worker` gets no requests"):
        await pause(fleet.registry, ["3000", "worker"])
    with pytest.raises(UsageError, match="there is no service `nope` here"):
        await pause(fleet.registry, ["3000", "nope"])
    assert fleet.registry.endpoint("api:3000").in_rotation
