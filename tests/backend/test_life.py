"""Stories of one backend: fake children on a mock clock, the real life."""

from __future__ import annotations

import signal
from typing import Literal

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.orders import OrderKind
from rpx.model.address import Location
from rpx.model.config import Backoff, Restart
from rpx.model.status import Note, State
from tests.support.bench import CHECK, Bench

Clock = trio.testing.MockClock


async def test_a_backend_that_answers_is_ready_and_in_rotation(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    assert bench.story == ["0 starting", "0 ready"]
    assert bench.backend.in_rotation
    assert bench.backend.pid == 1000
    nursery.cancel_scope.cancel()


async def test_a_backend_that_does_not_answer_yet_is_starting_and_not_in_rotation(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    bench.failure = "503 Service Unavailable"
    nursery.start_soon(live, bench.life)
    await trio.sleep(30)
    assert bench.story == ["0 starting"]
    assert not bench.backend.in_rotation
    assert bench.backend.last_error == "503 Service Unavailable"
    bench.failure = None
    await trio.sleep(1)
    assert bench.backend.state is State.READY
    nursery.cancel_scope.cancel()


async def test_a_crash_is_followed_by_a_rest_and_a_new_process(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.story == ["0 starting", "0 ready", "1 backoff", "1.1 starting", "1.1 ready"]
    assert bench.backend.restarts == 1
    assert bench.children[0].done == ["sweep", "closed"]
    nursery.cancel_scope.cancel()


async def test_a_dead_backend_leaves_rotation_in_the_instant_of_its_exit(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(-9)
    await trio.testing.wait_all_tasks_blocked()
    assert not bench.backend.in_rotation
    assert bench.backend.returning
    nursery.cancel_scope.cancel()


async def test_rests_grow_until_rpx_gives_up(nursery: trio.Nursery, autojump_clock: Clock) -> None:
    bench = Bench()
    bench.cannot_start = FileNotFoundError(2, "No such file or directory", "/no/such/program")
    nursery.start_soon(live, bench.life)
    await trio.sleep(100)
    starts = [entry for entry in bench.story if entry.endswith("starting")]
    assert starts == [
        "0 starting", "0.1 starting", "0.3 starting", "0.7 starting", "1.5 starting",
        "3.1 starting",
    ]  # fmt: skip
    assert bench.backend.state is State.FAILED
    assert "gave up" in bench.backend.last_error
    assert b"/no/such/program" in bench.backend.lines.tail(1)[0].text
    nursery.cancel_scope.cancel()


async def test_ten_quiet_seconds_bring_the_rest_back_to_its_beginning(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(max_restarts=100))
    nursery.start_soon(live, bench.life)
    for _ in range(4):
        await trio.sleep(2)
        bench.child.die(1)
    await trio.sleep(20)
    bench.story  # noqa: B018 - forget the past
    bench.child.die(1)
    await trio.sleep(1)
    before, after = (float(entry.split()[0]) for entry in bench.story[:2])
    assert after - before == pytest.approx(0.1)
    nursery.cancel_scope.cancel()


async def test_an_exit_with_status_zero_is_completed_under_on_failure(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(0)
    await trio.sleep(100)
    assert bench.story[-1] == "1 completed"
    nursery.cancel_scope.cancel()


async def test_always_restarts_after_status_zero_too(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(policy="always", backoff=Backoff(initial=1.0)))
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(0)
    await trio.sleep(5)
    assert bench.story[-1] == "2 ready"
    nursery.cancel_scope.cancel()


async def test_no_restart_means_failed_after_a_crash(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(policy="no"))
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(3)
    await trio.sleep(100)
    assert bench.story[-1] == "1 failed"
    assert "status 3" in bench.backend.last_error
    nursery.cancel_scope.cancel()


async def test_stop_waits_for_requests_under_way_and_is_final(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.registry.enter(bench.backend)
    bench.order(OrderKind.STOP)
    await trio.sleep(2)
    assert bench.child.done == []
    assert not bench.backend.in_rotation
    bench.registry.leave(bench.backend)
    await trio.sleep(1000)
    assert bench.story == ["0 starting", "0 ready", "1 draining", "3 stopping", "3 stopped"]
    assert len(bench.children) == 1
    nursery.cancel_scope.cancel()


async def test_a_tunnel_does_not_keep_a_backend_from_stopping(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.registry.enter(bench.backend)
    bench.registry.outlast(bench.backend)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    assert bench.story[-1] == "1 stopped"
    bench.registry.leave(bench.backend, lasting=True)
    assert (bench.backend.in_flight, bench.backend.lasting) == (0, 0)
    nursery.cancel_scope.cancel()


async def test_a_drain_does_not_last_for_ever(nursery: trio.Nursery, autojump_clock: Clock) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.registry.enter(bench.backend)
    bench.order(OrderKind.STOP)
    await trio.sleep(100)
    assert bench.story[-2:] == ["11 stopping", "11 stopped"]
    nursery.cancel_scope.cancel()


async def test_lost_patience_ends_a_drain_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.registry.enter(bench.backend)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    bench.patience.lose()
    await trio.sleep(1)
    assert bench.story[-1] == "2 stopped"
    nursery.cancel_scope.cancel()


async def test_restart_needs_no_rest_and_no_budget(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(max_restarts=1))
    nursery.start_soon(live, bench.life)
    for _ in range(10):
        await trio.sleep(1)
        bench.order(OrderKind.RESTART)
    await trio.sleep(1)
    assert bench.backend.state is State.READY
    assert len(bench.children) == 11
    assert bench.backend.restarts == 10
    nursery.cancel_scope.cancel()


async def test_the_last_order_decides_what_follows_the_exit(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(stubborn=True)
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.RESTART)
    await trio.sleep(1)
    assert bench.backend.returning
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    assert not bench.backend.returning
    await trio.sleep(100)
    assert bench.story[-1] == "11 stopped"
    assert bench.child.done.count("stop") == 1
    nursery.cancel_scope.cancel()


async def test_start_while_stopping_brings_it_back(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(stubborn=True)
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.STOP)
    await trio.sleep(1)
    bench.order(OrderKind.START)
    await trio.sleep(100)
    assert bench.backend.state is State.READY
    assert len(bench.children) == 2
    nursery.cancel_scope.cancel()


async def test_start_of_a_running_backend_changes_nothing(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    order = bench.order(OrderKind.START)
    await trio.sleep(1)
    assert order.taken.is_set()
    assert bench.story == ["0 starting", "0 ready"]
    nursery.cancel_scope.cancel()


async def test_stop_during_backoff_means_stay_down(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(1)
    await trio.testing.wait_all_tasks_blocked()
    bench.order(OrderKind.STOP)
    await trio.sleep(1000)
    assert bench.story[-1] == "1 stopped"
    bench.order(OrderKind.START)
    await trio.sleep(1)
    assert bench.story[-1] == "1001 ready"
    nursery.cancel_scope.cancel()


async def test_a_killed_backend_comes_back_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    order = bench.order(OrderKind.KILL)
    await trio.sleep(1)
    assert order.hit == 1000
    assert bench.children[0].done[0] == "SIGKILL to localhost:3000"
    assert bench.story == ["0 starting", "0 ready", "1 backoff", "1 starting", "1 ready"]
    nursery.cancel_scope.cancel()


async def test_a_killed_backend_stays_down_as_long_as_it_is_told(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, down_for=10.0)
    await trio.sleep(20)
    assert bench.story[-3:] == ["1 backoff", "11 starting", "11 ready"]
    bench.order(OrderKind.KILL, come_back=False)
    await trio.sleep(100)
    assert bench.backend.state is State.STOPPED
    nursery.cancel_scope.cancel()


async def test_what_outlives_its_killed_listener_is_killed_too(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    class Shell(Bench):
        pass

    bench = Shell()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    child = bench.child
    child.strike = _misses  # type: ignore[method-assign]
    bench.order(OrderKind.KILL)
    await trio.sleep(0.9)
    assert bench.backend.state is State.READY
    await trio.sleep(0.2)
    assert bench.story[-2:] == ["2 starting", "2 ready"]
    nursery.cancel_scope.cancel()


async def _misses(signum: int, at: Location | None) -> int:
    await trio.lowlevel.checkpoint()
    return 4711


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
    nursery.cancel_scope.cancel()


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
    assert bench.backend.restarts == 1
    nursery.cancel_scope.cancel()


async def test_a_paused_backend_may_be_sick_as_long_as_somebody_looks_into_it(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK)
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.registry.pause(bench.backend)
    bench.failure = "no answer within 0.5 s"
    await trio.sleep(60)
    assert bench.story[2:] == ["0.5 paused"]
    assert len(bench.children) == 1
    bench.registry.resume(bench.backend)
    await trio.sleep(2)
    assert bench.story[:3] == ["60.5 unhealthy", "61 draining", "61 stopping"]
    nursery.cancel_scope.cancel()


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
    nursery.cancel_scope.cancel()


async def test_a_refused_connection_is_looked_into_at_once(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(5)
    bench.failure = "connection refused"
    bench.registry.suspect(bench.backend, "connection refused")
    assert not bench.backend.in_rotation
    await trio.sleep(0.5)
    assert bench.backend.state is State.UNHEALTHY
    bench.failure = None
    await trio.sleep(1)
    assert bench.backend.in_rotation
    assert len(bench.children) == 1
    nursery.cancel_scope.cancel()


async def test_the_last_words_of_a_process_are_kept(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    await bench.child.say(b"Traceback:\nboom")
    bench.child.die(1)
    await trio.sleep(0.05)
    assert [line.text for line in bench.backend.lines.tail()] == [b"Traceback:", b"boom"]
    nursery.cancel_scope.cancel()


async def test_a_signal_that_only_suspends_leaves_no_order_behind(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, signal=signal.SIGSTOP, come_back=False)
    await trio.sleep(1)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.backend.state is State.READY
    nursery.cancel_scope.cancel()


async def test_a_process_that_outlives_a_signal_crashes_on_its_own_account(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, signal=signal.SIGTERM, come_back=False)
    await trio.sleep(5)
    assert bench.life.backend.state is State.READY
    await trio.sleep(20)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.story[-2:] == ["26.1 starting", "26.1 ready"]
    nursery.cancel_scope.cancel()


async def test_an_unhealthy_backend_that_nobody_replaces_is_not_waited_for(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(check=CHECK, restart=Restart(policy="no"))
    nursery.start_soon(live, bench.life)
    await trio.sleep(0.5)
    bench.failure = "500 Internal Server Error"
    await trio.sleep(5)
    assert bench.backend.state is State.UNHEALTHY
    assert not bench.backend.returning
    nursery.cancel_scope.cancel()


async def test_a_later_kill_takes_the_place_of_an_earlier_one_but_not_of_a_stop(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, signal=signal.SIGHUP)
    await trio.sleep(1)
    bench.order(OrderKind.KILL, come_back=False)
    await trio.sleep(5)
    assert bench.backend.state is State.STOPPED
    nursery.cancel_scope.cancel()


async def test_what_even_sigkill_cannot_end_is_named(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench()
    with bench.registry.events.subscribe() as news:
        nursery.start_soon(live, bench.life)
        await trio.sleep(1)
        bench.child.remains = (4711,)
        bench.child.die(1)
        await trio.sleep(0.05)
        told = [event.text for event in news.take() if isinstance(event, Note)]
    assert told == ["process 4711 outlives SIGKILL: it is stuck in the kernel"]
    nursery.cancel_scope.cancel()


async def test_a_oneshot_is_never_ready_and_then_completed(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(restart=Restart(policy="no"), oneshot=True)
    nursery.start_soon(live, bench.life)
    await trio.sleep(5)
    assert bench.story == ["0 starting"]
    bench.child.die(0)
    await trio.sleep(100)
    assert bench.story == ["5 completed"]
    nursery.cancel_scope.cancel()


async def test_other_exit_codes_can_be_successes(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = Bench(success_exit_codes=(0, 3))
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    bench.child.die(3)
    await trio.sleep(100)
    assert bench.story[-1] == "1 completed"
    assert "status 3" in bench.backend.last_error
    nursery.cancel_scope.cancel()


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
    nursery.cancel_scope.cancel()
