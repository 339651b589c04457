"""Backends and pools come and go while requests hold them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as some

from rpx.errors import RpxError
from rpx.hub.backend import Backend
from rpx.hub.members import PAST
from rpx.hub.registry import Registry
from rpx.model.config import PoolSpec, Sticky
from rpx.model.status import RotationChanged
from rpx.orders import verbs
from rpx.policy.lifecycle import Move
from tests.support.bench import CHECK, endpoint_of, external, process_of, registry, spec
from tests.support.specs import varied

HOST = "api.localhost"


def make_ready(the: Registry, *backends: Backend) -> None:
    for backend in backends:
        the.move(process_of(backend), Move.LAUNCH)
        the.judge(endpoint_of(backend), Move.PROBE_UP)


def arrange(the: Registry, *backends: Backend, pool: PoolSpec | None = None) -> None:
    the.arrange({HOST: pool or PoolSpec()}, {HOST: [endpoint_of(each) for each in backends]})


def turns(the: Registry, count: int) -> list[str]:
    pool = the.pools[HOST]
    return [found.spec.label for _ in range(count) if (found := pool.next_up(b"", None))]


def of(the: Registry, *ports: int) -> list[Backend]:
    return [the.backends[f"api:{port}"] for port in ports]


async def test_a_new_backend_takes_turns_once_it_is_ready_and_arranged() -> None:
    the = registry(spec(3000))
    new = the.add(spec(3001))
    make_ready(the, *of(the, 3000), new)
    assert turns(the, 2) == ["api:3000", "api:3000"]
    arrange(the, *of(the, 3000, 3001))
    assert set(turns(the, 2)) == {"api:3000", "api:3001"}
    assert list(the.backends) == ["api:3000", "api:3001"]


async def test_there_is_no_second_backend_of_a_label() -> None:
    the = registry(spec(3000))
    with pytest.raises(ValueError, match="api:3000 is there already"):
        the.add(spec(3000))


async def test_who_holds_a_pool_sees_its_new_members() -> None:
    the = registry(spec(3000))
    pool = the.pools[HOST]
    waiting = pool.changed
    new = the.add(spec(3001))
    make_ready(the, new)
    arrange(the, *of(the, 3000), new)
    assert waiting.is_set()
    assert the.pools[HOST] is pool
    assert pool.next_up(b"", None) is new.endpoint


async def test_whose_turn_it_is_survives_what_changes_nothing_about_it() -> None:
    the = registry(spec(3000), spec(3001))
    make_ready(the, *of(the, 3000, 3001))
    assert turns(the, 1) == ["api:3000"]
    arrange(the, *of(the, 3000, 3001))
    assert turns(the, 1) == ["api:3001"]


async def test_the_settings_of_a_pool_change_in_place() -> None:
    the = registry(spec(3000), spec(3001))
    the.key = b"key"
    make_ready(the, *of(the, 3000, 3001))
    pool = the.pools[HOST]
    pool.counts.errors = 7
    arrange(the, *of(the, 3000, 3001), pool=PoolSpec(hold=3.0, sticky=Sticky()))
    assert the.pools[HOST] is pool
    assert (pool.spec.hold, pool.counts.errors) == (3.0, 7)
    assert pool.affinity is not None
    assert the.endpoint("api:3000") in pool.affinity


async def test_one_that_has_gone_binds_nobody() -> None:
    the = registry(spec(3000), spec(3001))
    [first, second] = of(the, 3000, 3001)
    arrange(the, first, second, pool=PoolSpec(sticky=Sticky()))
    the.retire(first)
    arrange(the, second, pool=PoolSpec(sticky=Sticky()))
    affinity = the.pools[HOST].affinity
    assert affinity is not None
    assert endpoint_of(first) not in affinity
    assert endpoint_of(second) in affinity


async def test_a_weight_holds_once_it_is_arranged() -> None:
    the = registry(spec(3000), spec(3001))
    make_ready(the, *of(the, 3000, 3001))
    [first, second] = of(the, 3000, 3001)
    the.respec({first: varied(first.spec, weight=3)})
    arrange(the, first, second)
    assert turns(the, 4) == ["api:3000", "api:3000", "api:3001", "api:3000"]


async def test_one_that_leaves_is_out_at_once_and_no_check_brings_it_back() -> None:
    the = registry(spec(3000), spec(3001))
    [first, second] = of(the, 3000, 3001)
    make_ready(the, first, second)
    with the.events.subscribe(10) as news:
        the.retire(first)
        the.judge(endpoint_of(first), Move.PROBE_DOWN)
        the.judge(endpoint_of(first), Move.PROBE_UP)
        told = [event for event in news.take() if isinstance(event, RotationChanged)]
    assert [(event.label, event.in_rotation) for event in told] == [("api:3000", False)]
    assert [row.label for row in the.snapshot()] == ["api:3001"]
    assert [row.label for row in the.goodbyes()] == ["api:3000"]
    assert the.everyone == [second, first]
    assert the.known("api:3000") is first


async def test_the_requests_of_one_that_has_gone_still_end() -> None:
    the = registry(spec(3000))
    [backend] = of(the, 3000)
    make_ready(the, backend)
    the.enter(endpoint_of(backend))
    the.retire(backend)
    the.arrange({}, {})
    with trio.move_on_after(0.01) as patience:
        await the.wait_drained(process_of(backend))
    assert patience.cancelled_caught
    the.leave(endpoint_of(backend))
    await the.wait_drained(process_of(backend))
    the.remove(backend)
    assert the.everyone == []
    assert the.routes.find(HOST, b"/") is None


async def test_the_latest_that_have_left_are_kept_for_what_they_printed() -> None:
    ports = range(3000, 3000 + PAST + 2)
    the = registry(*map(spec, ports))
    for backend in list(the.backends.values()):
        the.retire(backend)
        the.remove(backend)
    again = the.add(spec(ports[-1]))
    assert [each.spec.label for each in the.speakers] == [
        f"api:{port}" for port in (ports[-1], *ports[2:-1])
    ]
    assert the.speakers[0] is again


async def test_orders_to_one_that_has_gone_are_refused() -> None:
    the = registry(spec(3000))
    [backend] = of(the, 3000)
    make_ready(the, backend)
    answers: list[RpxError] = []

    async def stop() -> None:
        outcomes = await verbs.stop(the, ["api:3000"])
        assert outcomes[0].exit_code == 1
        answers.append(RpxError(outcomes[0].sentence))

    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            await trio.testing.wait_all_tasks_blocked()
            the.retire(backend)
            the.remove(backend)
    assert "removed" in str(answers[0])
    with pytest.raises(RpxError, match="no backend"):
        await verbs.stop(the, ["api:3000"])


async def test_a_backend_may_change_its_label_and_keeps_its_counts() -> None:
    the = registry(spec(3000), spec(3001))
    [first, second] = of(the, 3000, 3001)
    endpoint_of(first).counts.errors = 3
    the.respec({first: varied(first.spec, name="web"), second: varied(second.spec, name="api")})
    the.arrange(
        {HOST: PoolSpec()},
        {HOST: [endpoint_of(first), endpoint_of(second)]},
        order=["api:3001", "web:3000"],
    )
    assert list(the.backends) == ["api:3001", "web:3000"]
    assert the.endpoint("web:3000").counts.errors == 3


async def test_another_health_check_is_tried_at_once() -> None:
    the = registry(external())
    [backend] = of(the, 3000)
    the.respec({backend: external(check=CHECK)})
    assert endpoint_of(backend).suspected.is_set()


async def test_a_route_that_is_no_more_is_unknown() -> None:
    the = registry(spec(3000), spec(3001, name="web"))
    the.retire(the.backends["web:3001"])
    arrange(the, *of(the, 3000))
    assert list(the.pools) == [HOST]
    assert the.routes.find("web.localhost", b"/") is None
    site = the.routes.find(HOST, b"/")
    assert site is not None
    assert site.plain is the.pools[HOST]


async def test_the_addresses_of_one_process_know_each_other_after_a_change() -> None:
    the = registry(spec(3000))
    other = the.add(varied(external(3001), served_by="api:3000"))
    arrange(the, *of(the, 3000, 3001))
    process, own = the.process("api:3000"), the.endpoint("api:3000")
    assert other.process is process
    assert the.endpoints_of(process) == [own, other.endpoint]
    the.retire(other)
    arrange(the, *of(the, 3000))
    the.enter(endpoint_of(other))
    the.remove(other)
    arrange(the, *of(the, 3000))
    assert the.endpoints_of(process) == [own, other.endpoint], "it has still to answer"
    the.leave(endpoint_of(other))
    arrange(the, *of(the, 3000))
    assert the.endpoints_of(process) == [own]


async def test_why_an_address_is_down_is_known_to_whose_process_it_is() -> None:
    the = registry(spec(3000))
    other = the.add(varied(external(3001), served_by="api:3000"))
    arrange(the, *of(the, 3000, 3001))
    assert not other.has_run
    owner = the.backends["api:3000"]
    make_ready(the, owner)
    the.started(process_of(owner), 7)
    assert other.has_run
    endpoint_of(other).blame("connection refused")
    assert the.told_by(other) is other
    the.lost(process_of(owner), "it broke")
    assert the.told_by(other) is owner
    assert [row.last_error for row in the.snapshot()] == ["it broke", "it broke"]


@given(some.lists(some.lists(some.sampled_from(range(3000, 3006)), unique=True), max_size=6))
def test_whatever_comes_and_goes_the_pools_are_those_that_were_asked_for(
    steps: Sequence[list[int]],
) -> None:
    the = registry(clock=lambda: 0.0)
    for wanted in steps:
        for backend in list(the.backends.values()):
            if backend.spec.address and backend.spec.address.port not in wanted:
                the.retire(backend)
        for port in wanted:
            if f"api:{port}" not in the.backends:
                make_ready(the, the.add(spec(port)))
        pools = {HOST: PoolSpec()} if wanted else {}
        the.arrange(
            pools,
            {HOST: [endpoint_of(each) for each in of(the, *wanted)]},
            [f"api:{port}" for port in wanted],
        )
        assert list(the.backends) == [f"api:{port}" for port in wanted]
        there = [endpoint_of(each) for each in the.backends.values()]
        assert all(each.in_rotation and each.pool is the.pools[HOST] for each in there)
        assert not any(b.in_rotation for b in the.leaving)
        if wanted:
            assert turns(the, len(wanted)) == list(the.backends)
        for backend in list(the.leaving):
            the.remove(backend)
