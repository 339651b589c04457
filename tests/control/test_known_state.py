"""What the door is told of a project, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from rpx.control.known_state import KnownState, state_of
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Intent
from rpx.policy.lifecycle import Move
from tests.support.bench import endpoint_of, external, process_of, registry, spec
from tests.support.specs import varied

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


def said(the: Registry, *, stopping: bool = False) -> tuple[str, dict[str, str]]:
    """The word for the whole, and the states of its services."""
    state = state_of(the, stopping=stopping)
    return state["state"], {each["name"]: each["state"] for each in state["services"]}


def test_a_project_is_starting_from_its_first_moment_until_all_of_it_is_there() -> None:
    the = registry(spec(3000), spec(3001, name="web"), clock=lambda: 0.0)
    api, web = the.backends.values()
    assert said(the) == ("starting", {"api": "starting", "web": "starting"})
    for backend in (api, web):
        the.move(process_of(backend), Move.LAUNCH)
        the.started(process_of(backend), 4711)
        the.judge(endpoint_of(backend), Move.PROBE_UP)
        done = backend is web
        assert said(the)[0] == ("ready" if done else "starting")
    the.move(process_of(web), Move.CRASHED)
    assert said(the) == ("starting", {"api": "ready", "web": "backoff"})
    assert said(the, stopping=True)[0] == "stopping"


def test_a_project_of_which_a_user_has_stopped_all_is_stopped_and_not_ready() -> None:
    the = registry(spec(3000), spec(3001, name="web"), clock=lambda: 0.0)
    for backend in the.backends.values():
        the.want(process_of(backend), Intent.DOWN)
    assert said(the) == ("stopped", {"api": "stopped", "web": "stopped"})


def test_a_service_with_several_copies_is_as_its_best_one() -> None:
    the = registry(spec(3000), spec(3001), varied(external(3002), name="db"), clock=lambda: 0.0)
    first, second, other = the.backends.values()
    the.judge(endpoint_of(other), Move.PROBE_UP)
    for backend in (first, second):
        the.move(process_of(backend), Move.LAUNCH)
        the.started(process_of(backend), 4711)
    the.judge(endpoint_of(second), Move.PROBE_UP)
    assert said(the)[1] == {"api": "ready", "db": "ready"}
