"""What the door is told of a project, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rpx.control.known_state import KnownState
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.policy.lifecycle import Move
from tests.support.bench import process_of, registry, spec

if TYPE_CHECKING:
    from rpx.door.messages import StateOfMember


@pytest.fixture
def told() -> list[tuple[float, str]]:
    """When the door was told what."""
    return []


async def look_on(told: list[tuple[float, str]], the: Registry, nursery: trio.Nursery) -> None:
    start = trio.current_time()

    def tell(state: StateOfMember) -> None:
        told.append((round(trio.current_time() - start, 3), state["state"]))

    await nursery.start(KnownState(tell), the, Shutdown())
    await wait_all_tasks_blocked()


async def test_what_changes_after_a_while_is_told_at_once(
    told: list[tuple[float, str]], mock_clock: MockClock
) -> None:
    the = registry(spec(3000))
    backend = the.endpoint("api:3000")
    async with trio.open_nursery() as nursery:
        await look_on(told, the, nursery)
        the.move(process_of(backend), Move.LAUNCH)
        for seconds in (0.1, 5.0):
            await wait_all_tasks_blocked()
            mock_clock.jump(seconds)
        await wait_all_tasks_blocked()
        the.judge(backend, Move.PROBE_UP)
        await wait_all_tasks_blocked()
        assert told[-1] == (5.1, "ready")
        nursery.cancel_scope.cancel()


async def test_of_many_changes_in_a_moment_the_last_one_is_told(
    told: list[tuple[float, str]], mock_clock: MockClock
) -> None:
    the = registry(spec(3000))
    backend = the.endpoint("api:3000")
    async with trio.open_nursery() as nursery:
        await look_on(told, the, nursery)
        mock_clock.jump(5.0)
        the.move(process_of(backend), Move.LAUNCH)
        await wait_all_tasks_blocked()
        before = len(told)
        the.judge(backend, Move.PROBE_UP)
        the.judge(backend, Move.PROBE_DOWN)
        the.judge(backend, Move.PROBE_UP)
        await wait_all_tasks_blocked()
        assert len(told) == before
        mock_clock.jump(0.1)
        await wait_all_tasks_blocked()
        assert told[before:] == [(5.1, "ready")]
        nursery.cancel_scope.cancel()
