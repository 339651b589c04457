"""Stories of one backend: fake children on a mock clock, the real life."""

from __future__ import annotations

import errno

import pytest
import trio
import trio.testing

from rpx.backend.life import live
from rpx.hub.mailbox import OrderKind
from rpx.model.config import Backoff, Restart
from rpx.model.status import State
from tests.support.bench import CHECK, Bench, begun, process_of

Clock = trio.testing.MockClock


async def test_a_backend_that_answers_is_ready_and_in_rotation(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    assert bench.story == ["0 starting", "0 ready"]
    assert bench.backend.in_rotation
    assert process_of(bench.backend).pid == 1000


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


async def test_a_crash_is_followed_by_a_rest_and_a_new_process(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.die(1)
    await trio.sleep(1)
    assert bench.story == ["0 starting", "0 ready", "1 backoff", "1.1 starting", "1.1 ready"]
    assert process_of(bench.backend).restarts == 1
    assert bench.children[0].done == ["sweep", "closed"]


async def test_a_dead_backend_leaves_rotation_in_the_instant_of_its_exit(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.die(-9)
    await trio.testing.wait_all_tasks_blocked()
    assert not bench.backend.in_rotation
    assert bench.process.returning


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
    assert b"/no/such/program" in process_of(bench.backend).lines.tail(1)[0].text


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


async def test_an_exit_with_status_zero_is_completed_under_on_failure(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.die(0)
    await trio.sleep(100)
    assert bench.story[-1] == "1 completed"


async def test_always_restarts_after_status_zero_too(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, restart=Restart(policy="always", backoff=Backoff(initial=1.0)))
    bench.child.die(0)
    await trio.sleep(5)
    assert bench.story[-1] == "2 ready"


async def test_no_restart_means_failed_after_a_crash(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, restart=Restart(policy="no"))
    bench.child.die(3)
    await trio.sleep(100)
    assert bench.story[-1] == "1 failed"
    assert "status 3" in bench.backend.last_error


async def test_the_last_words_of_a_process_are_kept(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    await bench.child.say(b"Traceback:\nboom")
    bench.child.die(1)
    await trio.sleep(0.05)
    assert [line.text for line in process_of(bench.backend).lines.tail()] == [
        b"Traceback:",
        b"boom",
    ]


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


async def test_other_exit_codes_can_be_successes(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, success_exit_codes=(0, 3))
    bench.child.die(3)
    await trio.sleep(100)
    assert bench.story[-1] == "1 completed"
    assert "status 3" in bench.backend.last_error


LEFT = ("pid 921, `python3 srv.py`",)


async def test_what_goes_into_the_background_is_told_of_and_may_end_in_order(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.left = LEFT
    bench.child.die(0)
    await trio.testing.wait_all_tasks_blocked()
    assert not bench.backend.in_rotation
    await trio.sleep(5)
    assert bench.story == ["0 starting", "0 ready", "4 completed"]
    assert bench.child.done == ["see off", "sweep", "closed"]
    assert bench.backend.last_error.endswith(
        "it left 1 process behind (pid 921, `python3 srv.py`), ended: run it in the foreground"
    )


async def test_who_gives_up_on_what_goes_into_the_background_says_so(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, restart=Restart(policy="always", max_restarts=0))
    bench.child.left = LEFT
    bench.child.die(0)
    await trio.sleep(5)
    assert bench.story[-1].endswith("failed")
    assert "run it in the foreground; 0 restarts within 60 s" in bench.backend.last_error


async def test_what_a_crash_leaves_behind_makes_nobody_wait(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.left = LEFT
    bench.child.die(1)
    await trio.sleep(0.2)
    assert bench.story == ["0 starting", "0 ready", "1 backoff", "1.1 starting", "1.1 ready"]


async def test_an_order_to_stop_ends_the_wait_for_what_was_left_behind(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery)
    bench.child.left = LEFT
    bench.child.die(0)
    await trio.sleep(1)
    bench.order(OrderKind.STOP)
    await trio.sleep(5)
    assert bench.story[-1].endswith("stopped")
    assert "stop" in bench.child.done


async def test_a_shortage_of_our_own_is_no_crash_and_is_waited_out(
    nursery: trio.Nursery, autojump_clock: Clock
) -> None:
    bench = await begun(nursery, restart=Restart(policy="no", max_restarts=0))
    bench.cannot_start = OSError(errno.EMFILE, "Too many open files")
    bench.order(OrderKind.RESTART)
    await trio.sleep(100)
    assert bench.backend.visible_state is State.BACKOFF
    assert "can't start another process: Too many open files" in bench.backend.last_error
    bench.cannot_start = None
    await trio.sleep(20)
    assert bench.backend.state is State.READY
