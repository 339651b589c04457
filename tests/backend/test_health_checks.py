"""The health of a backend that somebody else runs: leaving, staying out, returning, and when."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from rpx.backend.health_checks import Vigil, watch_endpoint
from rpx.hub.registry import Registry
from rpx.model.config import HealthCheck
from rpx.model.status import StateChanged
from tests.support.bench import external, registry

Clock = trio.testing.MockClock
CHECK = HealthCheck(interval=5.0, timeout=2.0, healthy_threshold=2, unhealthy_threshold=3)


class Watched:
    """One external backend; `failing` says what its checks say, `slow` how long they take."""

    def __init__(self, check: HealthCheck | None = CHECK) -> None:
        self.registry: Registry = registry(external(check=check))
        self.backend = self.registry.endpoint("api:3000")
        self.failing: str | None = None
        self.results: Iterator[str | None] | None = None
        self.slow = 0.0
        self.asked: list[float] = []
        self._subscription = self.registry.events.subscribe(1000)
        self._news = self._subscription.__enter__()  # lives as long as this

    async def check(self) -> str | None:
        self.asked.append(round(trio.current_time(), 3))
        await trio.sleep(self.slow)
        return next(self.results) if self.results else self.failing

    async def run(self) -> None:
        await watch_endpoint(self.registry, self.backend, Vigil(self.check))

    @property
    def story(self) -> list[str]:
        return [
            f"{event.at:g} {event.after.value}"
            for event in self._news.take()
            if isinstance(event, StateChanged)
        ]


async def test_the_first_check_runs_at_once_and_the_next_when_the_interval_is_over(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=5.0))
    nursery.start_soon(it.run)
    await trio.sleep(11)
    assert it.asked == [0, 5, 10]
    assert it.story == ["0 ready"]


async def test_a_slow_check_does_not_push_the_next_one_back(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=5.0))
    it.slow = 1.5
    nursery.start_soon(it.run)
    await trio.sleep(11)
    assert it.asked == [0, 5, 10]


async def test_it_leaves_after_so_many_failures_and_is_back_after_so_many_passes(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched()
    nursery.start_soon(it.run)
    await trio.sleep(7)
    it.failing = "503 Service Unavailable"
    await trio.sleep(
        14.5
    )  # between two checks, here and below: what happens at one time has no order
    assert it.story == ["1 ready", "21 unhealthy"]
    assert not it.backend.in_rotation
    assert it.backend.last_error == "503 Service Unavailable"
    it.asked.clear()
    await trio.sleep(5)
    assert len(it.asked) >= 5, "one that is out is asked every second at least"
    assert it.story == []
    it.failing = None
    well = trio.current_time()
    await trio.sleep(3)
    (back,) = it.story
    assert back.endswith(" ready")
    assert float(back.split()[0]) - well <= 2  # one second for each pass that it needs
    assert it.backend.in_rotation


async def test_one_that_is_well_now_and_then_stays_out(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched()
    it.failing = "no answer"
    nursery.start_soon(it.run)
    await trio.sleep(3)
    it.results = iter([None, "no answer"] * 20)
    await trio.sleep(20)
    assert it.story == []
    assert not it.backend.in_rotation


async def test_one_that_is_well_is_back_within_a_second_even_if_its_checks_were_slow_before(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=60.0, timeout=2.0))
    it.failing, it.slow = "no answer within 2 s", 2.0
    nursery.start_soon(it.run)
    await trio.sleep(6.1)
    it.failing, it.slow = None, 0.001
    await trio.sleep(3)
    (back,) = it.story
    assert float(back.split()[0]) <= 8.1  # the check under way at 6.1 s has its 2 s


async def test_without_a_check_it_is_asked_once_and_then_only_after_a_request_has_failed(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(None)
    nursery.start_soon(it.run)
    await trio.sleep(1000)
    assert it.asked == [0]
    it.failing = "connection refused"
    it.registry.connect_failed(it.backend, "connection refused")
    assert not it.backend.in_rotation
    await trio.sleep(10.5)
    assert it.story == ["0 ready", "1000 unhealthy"]
    it.failing = None
    began = trio.current_time()
    await trio.sleep(2)
    (back,) = it.story
    assert float(back.split()[0]) - began <= 1
    asked = len(it.asked)
    await trio.sleep(1000)
    assert len(it.asked) == asked
    assert math.isclose(trio.current_time(), 2012.5)


async def test_a_suspect_whose_check_is_under_way_is_out_at_once_and_looked_at_then(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=5.0))
    nursery.start_soon(it.run)
    await trio.sleep(4)
    it.slow = 2.0
    await trio.sleep(1.5)  # the check that began at 5 s takes until 7
    it.registry.connect_failed(it.backend, "connection refused")
    assert not it.backend.in_rotation
    await trio.sleep(10)
    assert it.story == ["0 ready", "7 unhealthy", "9 ready"]


async def test_another_health_check_holds_at_once_and_leaves_it_in_rotation(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=600.0))
    nursery.start_soon(it.run)
    await trio.sleep(2)
    it.failing = "404 Not Found"
    it.registry.respec(
        {
            it.registry.backends["api:3000"]: external(
                check=HealthCheck(interval=5, unhealthy_threshold=2)
            )
        }
    )
    await trio.sleep(1)
    assert it.asked == [0, 2]
    assert it.backend.in_rotation, "one failure of two"
    await trio.sleep(5)
    assert it.story == ["0 ready", "7 unhealthy"]


async def test_without_its_health_check_it_is_asked_no_more(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=5.0))
    nursery.start_soon(it.run)
    await trio.sleep(2)
    it.registry.respec({it.registry.backends["api:3000"]: external()})
    await trio.sleep(60)
    assert it.asked == [0, 2]
    assert it.backend.in_rotation


@pytest.mark.parametrize("check", [None, CHECK, HealthCheck(interval=1.0)])
async def test_who_is_away_for_a_moment_is_noticed_within_a_tenth_of_a_second(
    nursery: trio.Nursery, autojump_clock: Clock, check: HealthCheck | None
) -> None:
    it = Watched(check.model_copy(update={"healthy_threshold": 1}) if check else None)
    nursery.start_soon(it.run)
    await trio.sleep(100)
    for gap in (0.07, 0.29, 1.0, 3.0):
        it.story  # noqa: B018 - what was before
        it.failing = "connection refused"
        it.registry.connect_failed(it.backend, "connection refused")
        await trio.sleep(gap)
        assert not it.backend.in_rotation
        it.failing = None
        await trio.sleep(0.101)
        assert it.backend.in_rotation
        await trio.sleep(2)


async def test_who_is_away_for_hours_is_knocked_at_once_a_second(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(None)
    it.failing = "connection refused"
    nursery.start_soon(it.run)
    await trio.sleep(3600)
    it.asked.clear()
    await trio.sleep(60)
    assert 59 <= len(it.asked) <= 61


async def test_knocks_decide_nothing_but_that_somebody_is_there_again(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=5.0))
    nursery.start_soon(it.run)
    await trio.sleep(1)
    it.failing = "connection refused"
    it.registry.connect_failed(it.backend, "connection refused")
    await trio.sleep(2.5)
    assert len(it.asked) > 20
    assert it.backend.health is not None
    assert it.backend.health.streak == -3 - 3, "the request's word, and one check a second"


async def test_who_answers_others_one_after_the_other_is_not_sick_for_being_silent(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    it = Watched(HealthCheck(interval=1.0, timeout=1.0))
    nursery.start_soon(it.run)
    await trio.sleep(0.5)
    it.slow, it.failing = 0.9, "no answer within 1 s"
    seats = it.backend.seats
    for _ in range(6):
        seat = seats.enter(trio.current_time())
        await trio.sleep(1.0)
        seats.served(seat, keeps=True)
        seats.heard = trio.current_time()
        seats.leave(seat)
    assert it.backend.in_rotation
    assert len(it.asked) > 5
    it.backend.seats.enter(trio.current_time())  # one more waits, and nobody is answered any more
    await trio.sleep(4.0)
    assert not it.backend.in_rotation
