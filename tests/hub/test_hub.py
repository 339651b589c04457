"""Bus, patience, error boundary, shutdown, the ring of lines."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from rpx.hub import lines
from rpx.hub.backlog import Backlog
from rpx.hub.bus import Bus
from rpx.hub.error_boundary import contain_errors
from rpx.hub.lines import LineRing
from rpx.hub.patience import Patience
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Printed


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
        nursery.start_soon(contain_errors, seen.append, bad)
        nursery.start_soon(contain_errors, seen.append, good)
    assert done.is_set()
    assert pytest.RaisesGroup(ValueError).matches(seen[0])


async def test_a_wall_lets_cancellation_through() -> None:
    with trio.move_on_after(0) as scope:
        await contain_errors(lambda group: None, trio.sleep_forever)
    assert scope.cancelled_caught


@given(st.lists(st.binary(max_size=30)), st.integers(1, 10), st.integers(1, 100))
def test_the_ring_is_bounded_by_lines_and_by_bytes(
    texts: list[bytes], most: int, size: int
) -> None:
    texts = [text.replace(b"\n", b"") + b"\n" for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "MAX_LINES", most)
        patch.setattr(lines, "MAX_BYTES", size)
        ring = LineRing()
        for text in texts:
            ring.append(Printed("api", 0.0, text))
        kept = [line.text + b"\n" for line in ring.tail()]
    assert len(kept) <= most
    assert sum(map(len, kept)) <= size or len(kept) == 1
    assert texts[len(texts) - len(kept) :] == kept
    assert bool(kept) == bool(texts)


@given(st.lists(st.integers(1, 5), min_size=1), st.integers(0, 20))
def test_a_tail_is_the_last_lines_oldest_first_however_they_came(
    sizes: list[int], count: int
) -> None:
    ring, number = LineRing(), 0
    for at, size in enumerate(sizes):
        ring.append(Printed("api", at, b"".join(b"%d\n" % n for n in range(number, number + size))))
        number += size
    numbers = [int(line.text) for line in ring.tail(count)]
    assert numbers == list(range(max(0, number - count), number))


def test_a_tail_since_a_time_has_nothing_from_before() -> None:
    ring = LineRing()
    for at in (1.0, 2.0, 3.0):
        ring.append(Printed("api", at, b"%d\n" % at))
    assert [chunk.text for chunk in ring.chunks(since=2.0)] == [b"2\n", b"3\n"]
    assert ring.latest == 3.0


# ---------------------------------------------------------------- the backlog


def put(backlog: Backlog, label: str, text: bytes) -> None:
    backlog.put(Printed(label, 0.0, text))


async def test_a_backlog_gives_what_was_put_in_its_order() -> None:
    backlog = Backlog()
    for number in range(5):
        put(backlog, f"api:{number % 2}", b"%d\n" % number)
    await backlog.wait()
    assert [chunk.text for chunk in backlog.take(4)] == [b"0\n", b"1\n"]
    assert len(backlog.take(1000)) == 3
    assert backlog.take(1000) == []


async def test_who_floods_a_backlog_loses_its_own_oldest_lines_and_nobody_else_s() -> None:
    backlog = Backlog(limit=1000)
    put(backlog, "quiet", b"one\n")
    for number in range(100):
        put(backlog, "loud", b"%d\nand more\n" % number)
    put(backlog, "quiet", b"two\n")
    chunks = backlog.take(10_000)
    assert [chunk.text for chunk in chunks if chunk.label == "quiet"] == [b"one\n", b"two\n"]
    loud = [chunk.text for chunk in chunks if chunk.label == "loud"]
    assert loud[-1] == b"99\nand more\n"
    assert backlog.take_missed() == [("loud", 2 * (100 - len(loud)))]
    assert backlog.take_missed() == []


async def test_who_waits_for_a_backlog_is_woken_by_the_next_line(nursery: trio.Nursery) -> None:
    backlog, woken = Backlog(), trio.Event()

    async def wait() -> None:
        await backlog.wait()
        woken.set()

    nursery.start_soon(wait)
    await trio.testing.wait_all_tasks_blocked()
    assert not woken.is_set()
    put(backlog, "api", b"hello\n")
    with trio.fail_after(1):
        await woken.wait()
