"""Orders to fake lives on a mock clock: what is done, in which order, and what is said about it."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import pytest
import trio
import trio.testing
from trio.abc import Clock

from rpx.errors import Exit, RpxError, UsageError
from rpx.hub.mailbox import MAILBOX, Order, OrderKind
from rpx.model.answers import Outcome
from rpx.model.status import State
from rpx.orders import verbs
from tests.orders.fake_life import Fleet
from tests.support.bench import external, registry, spec


@pytest.fixture
async def fleet(nursery: trio.Nursery) -> AsyncIterator[Fleet]:
    fleet = Fleet(registry(spec(3000), spec(3001), external(3005), spec(4000, name="web")))
    await fleet.start(nursery)
    fleet.log.clear()
    yield fleet
    nursery.cancel_scope.cancel()


async def test_a_rolling_restart_begins_the_next_when_the_former_is_ready(fleet: Fleet) -> None:
    outcomes = await verbs.restart(fleet.registry, ["api"])
    assert fleet.log == ["api:3000 down", "api:3000 up", "api:3001 down", "api:3001 up"]
    assert [o.sentence for o in outcomes] == [
        "api:3000 restarted, pid 1001 → 1002, ready after 0.0 s",
        "api:3001 restarted, pid 2001 → 2002, ready after 0.0 s",
    ]


async def test_a_copy_that_does_not_come_back_ends_a_rolling_restart(fleet: Fleet) -> None:
    fleet.lives["api:3000"].broken = True
    first, second = await verbs.restart(fleet.registry, ["api"])
    assert (first.state, first.exit_code) == (State.FAILED, Exit.FAILED)
    assert second.sentence == "api:3001 left as it is, because api:3000 did not come back"
    assert fleet.registry.backends["api:3001"].pid == 2001


async def test_a_copy_that_is_removed_meanwhile_ends_no_rolling_restart(fleet: Fleet) -> None:
    backend = fleet.registry.backends["api:3000"]
    fleet.lives["api:3000"].deaf = True
    await verbs.restart(fleet.registry, ["3000"])  # from here on it hears nothing
    async with trio.open_nursery() as nursery:
        outcomes: list[Outcome] = []

        async def restart() -> None:
            outcomes.extend(await verbs.restart(fleet.registry, ["api"]))

        nursery.start_soon(restart)
        await trio.testing.wait_all_tasks_blocked()
        fleet.registry.retire(backend)
        fleet.registry.remove(backend)
    first, second = outcomes
    assert first.sentence.startswith("api:3000 has been removed")
    assert second.sentence == "api:3001 restarted, pid 2001 → 2002, ready after 0.0 s"


async def test_a_backend_named_twice_is_restarted_once(fleet: Fleet) -> None:
    assert len(await verbs.restart(fleet.registry, ["3001", "api:3001", "api:2"])) == 1


async def test_a_wait_that_was_too_short_says_so(fleet: Fleet, autojump_clock: Clock) -> None:
    fleet.lives["web:4000"].deaf = True
    await verbs.restart(fleet.registry, ["web"])  # from here on it hears nothing
    [outcome] = await verbs.restart(fleet.registry, ["web"])
    assert outcome.exit_code == Exit.TIMEOUT
    assert outcome.sentence == "web:4000 not ready after 40.0 s (ready: ended)"


async def test_one_that_does_not_come_back_has_as_long_as_one_that_is_started(
    fleet: Fleet, autojump_clock: Clock
) -> None:
    fleet.lives["web:4000"].silent = True
    [outcome] = await verbs.restart(fleet.registry, ["web"])
    assert outcome.exit_code == Exit.TIMEOUT
    assert outcome.sentence.startswith("web:4000 not ready after 60.0 s (starting")


async def test_a_stopped_backend_stays_down_until_it_is_started(fleet: Fleet) -> None:
    [outcome] = await verbs.stop(fleet.registry, ["3001"])
    assert (outcome.state, outcome.pid_before, outcome.pid) == (State.STOPPED, 2001, None)
    assert outcome.sentence == "api:3001 stopped (it was pid 2001)"
    [again] = await verbs.stop(fleet.registry, ["3001"])
    assert again.sentence == "api:3001 was stopped already"
    [up] = await verbs.start(fleet.registry, ["3001"])
    assert (up.state, up.sentence) == (State.READY, "api:3001 ready (pid 2002) after 0.0 s")


async def test_starting_what_runs_changes_nothing(fleet: Fleet) -> None:
    outcomes = await verbs.start(fleet.registry, ["api", "web"])
    assert [o.exit_code for o in outcomes] == [0, 0, 0]
    assert outcomes[0].sentence == "api:3000 runs already (pid 1001, ready)"
    assert fleet.log == []


async def test_a_start_that_fails_says_why(fleet: Fleet) -> None:
    await verbs.stop(fleet.registry, ["web"])
    fleet.lives["web:4000"].broken = True
    [outcome] = await verbs.start(fleet.registry, ["web"])
    assert outcome.exit_code == Exit.FAILED
    assert outcome.sentence == "web:4000 failed after 0.0 s: exited with status 1"


async def test_the_external_copies_of_a_service_are_passed_over(fleet: Fleet) -> None:
    outcomes = await verbs.stop(fleet.registry, ["api"])
    assert [o.label for o in outcomes] == ["api:3000", "api:3001"]


@pytest.mark.parametrize("verb", [verbs.restart, verbs.stop, verbs.start])
async def test_an_external_backend_takes_no_orders(fleet: Fleet, verb: verbs.Verb) -> None:
    with pytest.raises(UsageError) as error:
        await verb(fleet.registry, ["3005"])
    assert error.value.exit_code == Exit.USAGE
    assert "rpx runs api:3000, api:3001, web:4000" in str(error.value)


async def test_a_full_mailbox_means_busy(fleet: Fleet) -> None:
    life = fleet.lives["web:4000"]
    life.deaf = True
    await verbs.restart(fleet.registry, ["web"])
    for _ in range(MAILBOX):
        life.process.mailbox.give.send_nowait(Order(OrderKind.START))
    for verb in (verbs.restart, verbs.stop):  # one of several must not hide the rest
        [outcome] = await verb(fleet.registry, ["web"])
        assert "`web:4000` is busy" in outcome.sentence
        assert outcome.exit_code == Exit.FAILED


async def test_a_kill_says_whom_it_hit_and_what_comes_next(fleet: Fleet) -> None:
    kill = await verbs.kill_backend(fleet.registry, "3001")
    assert kill.sentence == "api:3001: SIGKILL to pid 2001, out of rotation, restart at once"
    assert (kill.pid, kill.gone, kill.restart_in) == (2001, True, 0)


async def test_a_killed_backend_rests_as_long_as_it_was_told(
    fleet: Fleet, autojump_clock: Clock
) -> None:
    kill = await verbs.kill_backend(fleet.registry, "api:2", down_for=10)
    assert kill.sentence == "api:3001: SIGKILL to pid 2001, out of rotation, restart in 10 s"
    assert kill.state is State.BACKOFF
    await trio.sleep(9)
    assert not fleet.registry.backends["api:3001"].in_rotation
    await trio.sleep(2)
    assert fleet.registry.backends["api:3001"].in_rotation


async def test_a_backend_killed_for_good_stays_down(fleet: Fleet) -> None:
    kill = await verbs.kill_backend(fleet.registry, "localhost:3001", come_back=False)
    assert kill.sentence.endswith("out of rotation, stays down until `rpx start api:3001`")
    assert (kill.state, kill.restart_in) == (State.STOPPED, None)


async def test_a_process_that_survives_its_signal_is_said_to_run(
    fleet: Fleet, autojump_clock: Clock
) -> None:
    fleet.lives["api:3000"].tough = True
    kill = await verbs.kill_backend(fleet.registry, "3000", signum=signal.SIGTERM)
    assert kill.sentence == "api:3000: SIGTERM to pid 1001, it is still running (ready)"
    assert kill.in_rotation


async def test_what_has_no_process_cannot_be_killed(fleet: Fleet) -> None:
    await verbs.stop(fleet.registry, ["3001"])
    with pytest.raises(RpxError, match="no process to kill: it is stopped") as error:
        await verbs.kill_backend(fleet.registry, "3001")
    assert error.value.exit_code == Exit.FAILED


@pytest.mark.parametrize("target", ["3005", "9999", "nobody", "api"])
async def test_a_kill_of_what_is_not_one_of_ours_is_a_usage_error(
    fleet: Fleet, target: str
) -> None:
    with pytest.raises(UsageError) as error:
        await verbs.kill_backend(fleet.registry, target)
    assert error.value.exit_code == Exit.USAGE
    assert "api:3001" in str(error.value)
    assert fleet.log == []


@pytest.mark.parametrize(
    ("text", "number"), [("KILL", 9), ("SIGKILL", 9), ("sigterm", 15), ("9", 9), (" hup ", 1)]
)
def test_a_signal_has_a_name_or_a_number(text: str, number: int) -> None:
    assert verbs.signal_number(text) == number


@pytest.mark.parametrize("text", ["", "SIG", "KILLL", "0", "999", "-9", "²"])
def test_what_is_no_signal_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="there is no signal"):
        verbs.signal_number(text)
