"""Bus, patience, walls, shutdown, the ring of lines."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from rpx.hub import lines
from rpx.hub.bus import Bus
from rpx.hub.lines import LineRing
from rpx.hub.patience import Patience
from rpx.hub.shutdown import Shutdown
from rpx.hub.walls import walled
from rpx.model.status import Line


async def test_a_slow_listener_never_delays_the_publisher_and_learns_what_it_missed() -> None:
    bus: Bus[int] = Bus()
    with bus.subscribe(depth=2) as slow:
        for number in range(5):
            bus.publish(number)
        got = [await slow.__anext__(), await slow.__anext__()]
        assert got == [3, 4]
        assert slow.take_missed() == 3
        assert slow.take_missed() == 0


async def test_a_listener_waits_until_there_is_something(nursery: trio.Nursery) -> None:
    bus: Bus[str] = Bus()
    with bus.subscribe() as subscription:

        async def speak() -> None:
            for word in ("a", "b"):
                await trio.testing.wait_all_tasks_blocked()
                bus.publish(word)

        nursery.start_soon(speak)
        assert [await subscription.__anext__(), await subscription.__anext__()] == ["a", "b"]


async def test_nobody_is_told_after_the_subscription_has_ended() -> None:
    bus: Bus[int] = Bus()
    with bus.subscribe() as subscription:
        pass
    bus.publish(1)
    assert subscription.take() == []


async def test_lost_patience_ends_waits_that_run_and_those_that_begin_later(
    autojump_clock: trio.testing.MockClock,
) -> None:
    patience = Patience()
    async with trio.open_nursery() as nursery:

        async def lose() -> None:
            await trio.sleep(1)
            patience.lose()

        nursery.start_soon(lose)
        with patience.within(100) as first:
            await trio.sleep_forever()
        with patience.within(100) as second:
            await trio.sleep_forever()
    assert first.cancelled_caught
    assert second.cancelled_caught
    assert trio.current_time() == pytest.approx(1)


async def test_the_second_request_to_end_loses_patience_and_keeps_the_first_exit_code() -> None:
    shutdown = Shutdown()
    shutdown.request(130)
    assert not shutdown.patience.lost
    shutdown.request(143)
    assert shutdown.patience.lost
    assert shutdown.exit_code == 130
    await shutdown.wait()


async def test_one_sibling_may_fail_and_the_others_go_on() -> None:
    seen: list[ExceptionGroup[Exception]] = []
    done = trio.Event()

    async def bad() -> None:
        await trio.lowlevel.checkpoint()
        raise ValueError("boom")

    async def good() -> None:
        await trio.testing.wait_all_tasks_blocked()
        done.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(walled, seen.append, bad)
        nursery.start_soon(walled, seen.append, good)
    assert done.is_set()
    assert pytest.RaisesGroup(ValueError).matches(seen[0])


async def test_a_wall_lets_cancellation_through() -> None:
    with trio.move_on_after(0) as scope:
        await walled(lambda group: None, trio.sleep_forever)
    assert scope.cancelled_caught


@given(st.lists(st.binary(max_size=30)), st.integers(1, 10), st.integers(1, 100))
def test_the_ring_is_bounded_by_lines_and_by_bytes(
    texts: list[bytes], most: int, size: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINES", most)
        patch.setattr(lines, "MAX_BYTES", size)
        ring = LineRing()
        for text in texts:
            ring.append(Line("api", 0.0, text))
        kept = [line.text for line in ring.tail()]
    assert len(kept) <= most
    assert sum(map(len, kept)) <= size
    assert not kept or texts[-len(kept) :] == kept
    assert ring.total == len(texts)


def test_a_tail_is_the_last_lines_oldest_first() -> None:
    ring = LineRing()
    for number in range(5):
        ring.append(Line("api", 0.0, b"%d" % number))
    assert [line.text for line in ring.tail(2)] == [b"3", b"4"]
    assert ring.tail(0) == []
    assert len(ring.tail(99)) == 5
