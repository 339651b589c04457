"""Who is on the way up or down, in words."""

from __future__ import annotations

from rpx.hub.registry import Registry
from rpx.orders.waits import waits
from rpx.policy.lifecycle import Move
from tests.support.bench import process_of, registry, spec, start_of


def sentences(
    there: Registry, labels: set[str] | None = None, *, ending: bool = False
) -> list[str]:
    now = there.endpoint("api:3000").standing.since + 3.0
    return [wait.sentence for wait in waits(there, now, labels, ending=ending)]


def started() -> Registry:
    there = registry(spec(3000), spec(3001))
    for number, backend in enumerate(there.backends.values()):
        there.move(process_of(backend), Move.LAUNCH)
        there.started(process_of(backend), 800 + number)
    return there


async def test_one_that_starts_is_waited_for_with_its_reason() -> None:
    there = started()
    there.judge(there.endpoint("api:3001"), Move.PROBE_UP)
    assert sentences(there) == [
        "api:3000: it has not shown yet that it is ready: a connection to localhost:3000"
    ]
    assert sentences(there, {"api:3001"}) == []
    assert sentences(there, ending=True) == []  # nobody waits for it to come up any more


async def test_one_that_stops_is_waited_for_until_it_is_killed() -> None:
    there = started()
    api = there.endpoint("api:3000")
    there.move(process_of(api), Move.STOP)
    start = start_of(api)
    left = start.stop_grace_period - 3
    assert sentences(there)[0] == f"api:3000 (pid 800), SIGKILL in {left:.0f}s"
    process_of(api).left = [17, 18]
    assert sentences(there, ending=True) == [
        f"what api:3000 has left behind (pid 17, 18), SIGKILL in {left:.0f}s"
    ]


async def test_whoever_has_it_killed_sooner_hears_of_that_moment() -> None:
    there = started()
    api = there.endpoint("api:3000")
    there.move(process_of(api), Move.STOP)
    start = start_of(api)
    for within, left in ((2.0, 2.0), (-1.0, 0.0), (1e6, start.stop_grace_period - 3)):
        (wait,) = waits(there, api.standing.since + 3.0, {"api:3000"}, ending=True, within=within)
        assert wait.kill_in == left
        assert wait.sentence == f"api:3000 (pid 800), SIGKILL in {left:.0f}s"


async def test_requests_are_waited_for_where_the_project_ends() -> None:
    there = started()
    api = there.endpoint("api:3000")
    there.judge(api, Move.PROBE_UP)
    there.enter(api)
    assert sentences(there, {"api:3000"}) == []
    assert sentences(there, ending=True) == ["1 request at api:3000"]
    there.enter(api)
    assert sentences(there, ending=True) == ["2 requests at api:3000"]
