"""One process behind several addresses: they leave and return with it, each by its own health."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from rpx.backend.sequence import dependants_gone
from rpx.hub.endpoint import Endpoint
from rpx.hub.registry import Registry
from rpx.model.answers import json_of
from rpx.model.config import Dependency
from rpx.model.status import State, StateChanged
from rpx.orders.reasons import why
from rpx.policy.depend import sentence
from rpx.policy.lifecycle import Move
from tests.support.bench import endpoint_of, external, process_of, registry, spec
from tests.support.specs import varied


def pair() -> tuple[Registry, Endpoint, Endpoint]:
    """The backend with the process, and the other address that it serves."""
    other = varied(external(3001), served_by="api:3000")
    the = registry(spec(3000), other, clock=lambda: 0.0)
    return the, the.endpoint("api:3000"), the.endpoint("api:3001")


def up() -> tuple[Registry, Endpoint, Endpoint]:
    the, owner, other = pair()
    the.move(process_of(owner), Move.LAUNCH)
    the.started(process_of(owner), 4711)
    the.judge(owner, Move.PROBE_UP)
    the.judge(other, Move.PROBE_UP)
    return the, owner, other


def test_both_are_in_rotation_once_each_answers() -> None:
    the, owner, other = up()
    pool = the.pools["api.localhost"]
    assert [pool.next_up(b"", None) for _ in range(3)] == [owner, other, owner]


def test_the_other_address_waits_for_the_process_to_be_ready() -> None:
    the, owner, other = pair()
    the.move(process_of(owner), Move.LAUNCH)
    the.judge(other, Move.PROBE_UP)
    assert not other.in_rotation
    assert other.visible_state is State.STARTING
    the.judge(owner, Move.PROBE_UP)
    assert other.in_rotation


def test_an_address_that_did_not_answer_is_looked_at_when_the_process_is_ready() -> None:
    the, owner, other = pair()
    the.move(process_of(owner), Move.LAUNCH)
    assert not other.suspected.is_set()
    the.judge(owner, Move.PROBE_UP)
    assert other.suspected.is_set()
    assert not other.in_rotation


def test_the_exit_of_the_process_takes_both_out_in_that_instant() -> None:
    the, owner, other = up()
    the.exited(process_of(owner))
    assert not owner.in_rotation
    assert not other.in_rotation
    the.move(process_of(owner), Move.CRASHED)
    assert other.visible_state is State.BACKOFF
    assert other.returning
    the.move(process_of(owner), Move.LAUNCH)
    assert not other.in_rotation
    the.judge(owner, Move.PROBE_UP)
    assert other.in_rotation


def test_each_address_has_its_own_health() -> None:
    the, owner, other = up()
    the.judge(other, Move.PROBE_DOWN)
    assert owner.in_rotation
    assert not other.in_rotation
    the.judge(other, Move.PROBE_UP)
    the.judge(owner, Move.PROBE_DOWN)
    assert not owner.in_rotation
    assert other.in_rotation


def test_a_paused_address_stays_out_when_the_process_comes_back() -> None:
    the, owner, other = up()
    the.pause(other)
    the.move(process_of(owner), Move.CRASHED)
    the.move(process_of(owner), Move.LAUNCH)
    the.judge(owner, Move.PROBE_UP)
    assert not other.in_rotation


async def test_the_process_is_drained_when_the_requests_at_all_its_addresses_have_ended() -> None:
    the, owner, other = up()
    the.enter(other)
    the.move(process_of(owner), Move.STOP)
    assert not other.in_rotation
    async with trio.open_nursery() as nursery:
        nursery.start_soon(the.wait_drained, process_of(owner))
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks
        the.leave(other)


def test_what_is_told_and_shown_is_the_state_of_the_process() -> None:
    the, owner, other = up()
    with the.events.subscribe() as news:
        the.move(process_of(owner), Move.CRASHED)
        the.judge(other, Move.PROBE_DOWN)
        told = [event.label for event in news.take() if isinstance(event, StateChanged)]
    assert told == ["api:3000"]
    first, second = the.snapshot()
    assert (first.state, second.state) == (State.BACKOFF, State.BACKOFF)
    assert not second.external
    the.move(process_of(owner), Move.LAUNCH)
    the.started(process_of(owner), 4712)
    assert [row.pid for row in the.snapshot()] == [4712, 4712]


async def test_who_depends_on_an_address_depends_on_the_process_behind_it() -> None:
    healthy = (Dependency(name="apex", condition="healthy"),)
    apex = varied(external(3001), name="apex", served_by="api:3000")
    web = varied(spec(3002, name="web"), depends_on=healthy)
    the = registry(spec(3000), apex, web, clock=lambda: 0.0)
    api, other, waits = the.backends.values()
    the.move(process_of(api), Move.LAUNCH)
    the.judge(endpoint_of(other), Move.PROBE_UP)
    the.move(process_of(waits), Move.WAIT)
    assert sentence(waits.obstacles) == "for apex (starting)"
    the.judge(endpoint_of(api), Move.PROBE_UP)
    assert the.look_ahead(process_of(waits)) == ()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(dependants_gone, the, process_of(api))
        await trio.testing.wait_all_tasks_blocked()
        assert nursery.child_tasks, "it is stopped after those that depend on it"
        the.move(process_of(waits), Move.STOP)
    the.move(process_of(api), Move.GAVE_UP, reason="exited with status 1")
    the.move(process_of(waits), Move.WAIT)
    assert sentence(waits.obstacles) == "for apex (failed: exited with status 1)"
    assert process_of(waits).stuck


async def test_an_address_waits_for_what_its_process_waits_for() -> None:
    the, owner, _ = pair()
    waits = varied(
        the.backends["api:3000"].spec, depends_on=(Dependency(name="db", condition="healthy"),)
    )
    the.respec({the.backends["api:3000"]: waits})
    the.move(process_of(owner), Move.WAIT)
    assert [row.waiting_for for row in the.snapshot()] == [owner.obstacles] * 2
    said, own = (json_of(why(the, the.backends[label], 0.0)) for label in ("api:3001", "api:3000"))
    assert said["because"] == "it waits for db (not a part of this run)"
    differ = {key for key in own if said[key] != own[key]}
    assert differ == {"label"}


async def test_both_are_out_when_a_bug_has_ended_the_life_of_the_process() -> None:
    the, owner, other = up()
    the.lost(process_of(owner), "it broke")
    assert not owner.in_rotation
    assert not other.in_rotation


async def test_a_process_without_an_address_is_up_until_it_exits() -> None:
    job = varied(spec(3000), name="job", address=None, host="")
    the = registry(job, clock=lambda: 0.0)
    process = the.process("job")
    assert the.endpoints_of(process) == []
    the.move(process, Move.LAUNCH)
    the.started(process, 4711)
    the.move(process, Move.PROBE_UP)
    await the.wait_drained(process)
    assert [(row.in_rotation, row.pid) for row in the.snapshot()] == [(True, 4711)]
    the.exited(process)
    assert [row.in_rotation for row in the.snapshot()] == [False]


def test_a_process_without_an_address_is_out_from_when_it_is_to_leave() -> None:
    the = registry(varied(spec(3000), name="job", address=None, host=""), clock=lambda: 0.0)
    process = the.process("job")
    the.move(process, Move.LAUNCH)
    the.move(process, Move.PROBE_UP)
    the.retire(the.backends["job"])
    assert [(row.state, row.in_rotation) for row in the.goodbyes()] == [(State.READY, False)]


def test_a_process_may_have_several_addresses_and_none_that_is_its_own() -> None:
    job = varied(spec(3000), name="job", address=None, host="")
    ports = [varied(external(port), served_by="job") for port in (3001, 3002)]
    the = registry(job, *ports, clock=lambda: 0.0)
    process, (first, second) = the.process("job"), (the.endpoint(each.label) for each in ports)
    assert the.endpoints_of(process) == [first, second]
    assert the.own_endpoint(process) is None
    the.move(process, Move.LAUNCH)
    the.started(process, 4711)
    the.move(process, Move.PROBE_UP)
    the.judge(second, Move.PROBE_UP)
    assert [row.in_rotation for row in the.snapshot()] == [True, False, True]
    assert [(row.external, row.served_by, row.pid) for row in the.snapshot()] == [
        (False, "", 4711),
        (False, "job", 4711),
        (False, "job", 4711),
    ]
    the.exited(process)
    assert [row.in_rotation for row in the.snapshot()] == [False] * 3


def test_an_address_of_somebody_else_has_no_process() -> None:
    the = registry(external(3001), clock=lambda: 0.0)
    endpoint = the.endpoint("api:3001")
    assert endpoint.process is None
    assert not endpoint.returning
    with pytest.raises(KeyError):
        the.process("api:3001")
    assert endpoint.keeps_clients, "nobody has seen it down yet"
    the.judge(endpoint, Move.PROBE_UP)
    the.judge(endpoint, Move.PROBE_DOWN, reason="connection refused")
    assert not endpoint.keeps_clients
    assert [(row.external, row.restarts, row.last_error) for row in the.snapshot()] == [
        (True, 0, "connection refused")
    ]
