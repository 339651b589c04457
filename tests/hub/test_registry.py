"""The registry: who is in rotation, who waits for whom, what observers see."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rpx.hub.endpoint import Endpoint, Tried
from rpx.hub.registry import Registry
from rpx.model.status import Intent, RotationChanged, State, StateChanged
from rpx.policy.histogram import ERROR
from rpx.policy.lifecycle import IllegalMove, Move, advance
from tests.support.bench import endpoint_of, external, process_of, registry, spec


def two() -> Registry:
    return registry(spec(3000), spec(3001), clock=lambda: 0.0)


def make_ready(the: Registry, *labels: str) -> None:
    for label in labels:
        the.move(the.process(label), Move.LAUNCH)
        the.move(the.process(label), Move.PROBE_UP)


def test_requests_go_round_those_that_are_ready_in_listed_order() -> None:
    the = registry(spec(3000), spec(3001), spec(3002), clock=lambda: 0.0)
    pool = the.pools["api.localhost"]
    assert pool.next_up(b"", None) is None
    make_ready(the, "api:3001", "api:3000", "api:3002")
    order = [backend.spec.label for _ in range(4) if (backend := pool.next_up(b"", None))]
    assert order == ["api:3000", "api:3001", "api:3002", "api:3000"]


def test_times_are_those_of_the_clock_also_when_it_jumps() -> None:
    times = [100.0]
    the = registry(spec(3000), clock=lambda: times[-1])
    backend = the.endpoint("api:3000")
    the.move(process_of(backend), Move.LAUNCH)
    the.print(process_of(backend), b"before\n")
    times.append(8000.0)  # the laptop has slept
    the.judge(backend, Move.PROBE_UP)
    the.print(process_of(backend), b"after\n")
    assert [row.since for row in the.snapshot()] == [8000.0]
    assert [line.at for line in process_of(backend).lines.tail()] == [100.0, 8000.0]
    assert [chunk.text for chunk in process_of(backend).lines.chunks(since=7000.0)] == [b"after\n"]
    times.append(7990.0)  # and is told the right time
    the.print(process_of(backend), b"at last\n")
    assert [line.text for line in process_of(backend).lines.tail()] == [
        b"before",
        b"after",
        b"at last",
    ]
    assert process_of(backend).lines.latest == 8000.000001
    assert the.age(backend.standing) == 0.0


def test_durations_are_right_whatever_the_clock_is_set_to() -> None:
    day, steady = [100_000.0], [50.0]
    the = registry(spec(3000), clock=lambda: day[0], steady=lambda: steady[0])
    backend = the.endpoint("api:3000")
    the.move(process_of(backend), Move.LAUNCH)
    assert [row.since for row in the.snapshot()] == [100_000.0]
    with the.events.subscribe(10) as events:
        day[0] += 86_400 + 2
        steady[0] += 2
        assert the.age(backend.standing) == 2
        assert [row.since for row in the.snapshot()] == [186_400.0]
        the.judge(backend, Move.PROBE_UP)
        [moved] = [event for event in events.take() if isinstance(event, StateChanged)]
        assert (moved.at, moved.spent) == (186_402.0, 2)


def test_a_suspect_is_out_at_once_and_its_life_hears_of_it() -> None:
    the = two()
    make_ready(the, "api:3000", "api:3001")
    backend = the.endpoint("api:3000")
    the.connect_failed(backend, "connection refused")
    assert not backend.in_rotation
    assert backend.suspected.is_set()
    assert backend.returning
    assert {
        each.spec.label for _ in range(4) if (each := the.pools["api.localhost"].next_up(b"", None))
    } == {"api:3001"}


def test_three_broken_connections_in_a_row_make_a_suspect() -> None:
    the = two()
    make_ready(the, "api:3000")
    backend = the.endpoint("api:3000")
    the.exchange_failed(backend, "closed")
    the.exchange_failed(backend, "closed")
    assert backend.in_rotation
    the.exchange_failed(backend, "closed")
    assert not backend.in_rotation


def test_an_external_backend_is_unhealthy_until_it_answers_and_never_returning() -> None:
    the = registry(external(3000), clock=lambda: 0.0)
    backend = the.endpoint("api:3000")
    assert backend.state is State.UNHEALTHY
    assert not backend.returning
    the.judge(backend, Move.PROBE_UP)
    assert backend.in_rotation


@pytest.mark.parametrize(
    ("intent", "returns"),
    [(Intent.AGAIN, True), (Intent.TRIAL, True), (Intent.DOWN, False), (Intent.LEAVING, False)],
)
def test_who_is_on_its_way_down_is_waited_for_if_it_is_to_run_again(
    intent: Intent, *, returns: bool
) -> None:
    the = two()
    make_ready(the, "api:3000")
    backend = the.endpoint("api:3000")
    the.want(process_of(backend), intent)
    the.move(process_of(backend), Move.STOP)
    assert backend.returning is returns
    the.move(process_of(backend), Move.DRAINED)
    assert backend.returning is returns


def test_one_that_fails_on_trial_is_waited_for_until_the_trial_ends() -> None:
    the = two()
    backend = the.endpoint("api:3000")
    make_ready(the, "api:3000")
    the.want(process_of(backend), Intent.TRIAL)
    the.move(process_of(backend), Move.GAVE_UP)
    assert backend.returning
    the.end_trial(process_of(backend))
    assert not backend.returning
    assert not backend.about_to_start


def test_a_backend_that_a_request_has_met_is_not_tried_again_in_the_same_life() -> None:
    the = two()
    make_ready(the, "api:3000")
    backend, pool = the.endpoint("api:3000"), the.pools["api.localhost"]
    tried: Tried = {(id(backend), backend.rotation_epoch)}
    assert pool.next_untried(b"", None, tried) is None
    the.move(process_of(backend), Move.CRASHED)
    make_ready(the, "api:3000")
    assert pool.next_untried(b"", None, tried) is backend


async def test_who_waits_for_a_drain_is_told_when_only_lasting_requests_are_left() -> None:
    the = two()
    make_ready(the, "api:3000")
    backend = the.endpoint("api:3000")
    the.enter(backend)
    the.enter(backend)
    drained = trio.Event()

    async def wait() -> None:
        await the.wait_drained(process_of(backend))
        drained.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        the.leave(backend)
        await trio.testing.wait_all_tasks_blocked()
        assert not drained.is_set()
        the.outlast(backend)
    assert drained.is_set()


async def test_a_change_wakes_those_who_wait_for_the_pool() -> None:
    the = two()
    changed = the.pools["api.localhost"].changed
    make_ready(the, "api:3000")
    with trio.fail_after(1):
        await changed.wait()
    assert not the.pools["api.localhost"].changed.is_set()


def test_events_tell_of_changes_and_only_of_changes() -> None:
    the = two()
    with the.events.subscribe() as news:
        make_ready(the, "api:3000")
        the.judge(the.endpoint("api:3000"), Move.PROBE_UP)
        states = [event.after for event in news.take() if isinstance(event, StateChanged)]
    assert states == [State.STARTING, State.READY]


def test_rotation_is_told_when_it_changes_whatever_changed_it() -> None:
    the = two()
    backend = the.endpoint("api:3000")
    with the.events.subscribe() as news:
        make_ready(the, "api:3000")
        the.connect_failed(backend, "refused")
        the.judge(backend, Move.PROBE_DOWN)
        the.judge(backend, Move.PROBE_UP)
        the.pause(backend)
        the.pause(backend)
        the.resume(backend)
        the.exited(process_of(backend))
        told = [each.in_rotation for each in news.take() if isinstance(each, RotationChanged)]
    assert told == [True, False, True, False, True, False]


def test_a_paused_backend_lives_on_and_is_seen_as_paused_while_it_runs() -> None:
    the = two()
    make_ready(the, "api:3000")
    backend, seen = the.endpoint("api:3000"), []
    the.pause(backend)
    with the.events.subscribe() as news:
        for move in (Move.PROBE_DOWN, Move.PROBE_UP, Move.CRASHED, Move.LAUNCH, Move.PROBE_UP):
            the.move(process_of(backend), move)
            seen.append(backend.visible_state.value)
            assert not backend.in_rotation
        told = [each.after for each in news.take() if isinstance(each, StateChanged)]
    assert seen == ["paused", "paused", "backoff", "starting", "paused"]
    assert told == [State.BACKOFF, State.STARTING, State.PAUSED]
    the.resume(backend)
    assert backend.in_rotation


def test_nobody_waits_for_a_paused_backend_or_tries_it_at_last() -> None:
    the = two()
    backend, pool = the.endpoint("api:3000"), the.pools["api.localhost"]
    the.move(process_of(backend), Move.LAUNCH)
    assert backend.returning
    the.pause(backend)
    assert not backend.returning
    the.judge(backend, Move.PROBE_UP)
    the.judge(backend, Move.PROBE_DOWN)
    assert pool.next_running(b"", None, set()) is None


def test_stats_are_the_sums_of_what_requests_counted() -> None:
    the = two()
    counts = the.endpoint("api:3001").counts
    counts.errors, counts.traffic.sent, counts.traffic.received = 1, 40, 400
    for status, seconds in ((200, 0.001), (204, 0.002), (404, 0.003), (500, 0.004)):
        counts.answered(status, seconds)
    the.enter(the.endpoint("api:3001"))
    stats = the.stats()["api.localhost"]
    assert list(stats) == ["localhost:3000", "localhost:3001"]
    assert stats["localhost:3000"]["requests"] == 0
    row = stats["localhost:3001"]
    assert (row["requests"], row["errors"], row["avgLatency"], row["inFlight"]) == (4, 1, 2.5, 1)
    assert (row["bytesIn"], row["bytesOut"]) == (40, 400)
    assert row["statuses"] == {"1xx": 0, "2xx": 2, "3xx": 0, "4xx": 1, "5xx": 1}
    assert [row["p50"], row["p90"], row["p99"]] == pytest.approx([2, 4, 4], rel=ERROR)


def test_what_rpx_answers_itself_has_a_row_once_there_is_such() -> None:
    the = two()
    the.pools["api.localhost"].counts.answered(503, 0.0)
    row = the.stats()["api.localhost"]["rpx"]
    assert (row["requests"], row["statuses"]["5xx"]) == (1, 1)
    assert "rpx" not in the.stats_by_address()


@given(st.lists(st.booleans(), max_size=40))
def test_in_flight_is_what_entered_and_has_not_left(enters: list[bool]) -> None:
    the = two()
    backend = the.endpoint("api:3000")
    inside = 0
    for enter in enters:
        if enter:
            the.enter(backend)
            inside += 1
        elif inside:
            the.leave(backend)
            inside -= 1
    assert backend.in_flight == inside


class Rotation(RuleBasedStateMachine):
    """Whatever happens to backends, the pool only ever offers those that may be offered."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = registry(spec(3000), spec(3001), spec(3002), clock=lambda: 0.0)
        self.backends = [endpoint_of(each) for each in self.registry.backends.values()]
        self.suspects: set[Endpoint] = set()

    @rule(number=st.integers(0, 2), move=st.sampled_from(Move))
    def move(self, number: int, move: Move) -> None:
        backend = self.backends[number]
        try:
            advance(backend.state, move)
        except IllegalMove:
            return
        self.registry.move(process_of(backend), move)
        self.suspects.discard(backend)

    @rule(number=st.integers(0, 2))
    def suspect(self, number: int) -> None:
        self.registry.connect_failed(self.backends[number], "refused")
        self.suspects.add(self.backends[number])

    @rule(number=st.integers(0, 2))
    def pause(self, number: int) -> None:
        self.registry.pause(self.backends[number])

    @rule(number=st.integers(0, 2))
    def resume(self, number: int) -> None:
        self.registry.resume(self.backends[number])
        self.suspects.discard(self.backends[number])

    @invariant()
    def in_rotation_means_ready_and_neither_suspected_nor_paused(self) -> None:
        for backend in self.backends:
            up = (
                backend.state is State.READY and backend not in self.suspects and not backend.paused
            )
            assert backend.in_rotation == up

    @invariant()
    def an_endpoint_of_its_own_answers_while_a_process_is_ready(self) -> None:
        for backend in self.backends:
            ready = process_of(backend).state is State.READY
            assert (backend.verdict is State.READY) == ready

    @invariant()
    def the_pool_offers_each_that_is_up_once_in_a_round(self) -> None:
        up = [backend for backend in self.backends if backend.in_rotation]
        offered = [self.registry.pools["api.localhost"].next_up(b"", None) for _ in up]
        assert {each.spec.label for each in offered if each} == {each.spec.label for each in up}


TestRotation = Rotation.TestCase
TestRotation.settings = settings(stateful_step_count=30)


def test_requests_wait_for_a_process_whose_life_is_about_to_begin() -> None:
    the = registry(spec(3000), clock=lambda: 0.0)
    backend = the.endpoint("api:3000")
    assert backend.returning  # as when a reload gives a host of files backends
    the.move(process_of(backend), Move.STOP)
    assert not backend.returning
