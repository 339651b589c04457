"""Coroutines: carried by the reactor, by a trio task while they need one, and ended with both."""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from functools import partial

import pytest
import trio
import trio.testing

from rpx.proxy import reactor as reactor_module
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import WireCut
from tests.proxy.bare_reactor import pair, running, start
from tests.proxy.house import until
from tests.support.raw import SOON


async def test_a_story_is_resumed_when_something_comes_and_finish_waits_for_its_end(
    poll: str,
) -> None:
    seen: list[bytes] = []

    async def coroutine(wire: Wire) -> None:
        while data := await wire.receive():
            seen.append(data)

    reactor = Reactor()
    with pair(reactor) as (wire, theirs):
        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                await start(reactor, nursery, poll)
                reactor.begin(coroutine(wire))
                theirs.send(b"one")
                await until(lambda: bool(seen), "the coroutine does not go on")
                reactor.finish()
                theirs.send(b"two")
                theirs.shutdown(socket.SHUT_WR)
        reactor.close()
    assert b"".join(seen) == b"onetwo"


async def fails() -> None:
    raise OSError("comes out as it is")


async def test_within_a_task_all_of_trio_can_be_used_and_the_story_goes_on_behind_it(
    poll: str,
) -> None:
    steps: list[str] = []

    async def coroutine(wire: Wire) -> None:
        async with reactor.task():
            with trio.move_on_after(0.001) as nap:
                await trio.sleep_forever()
            steps.append(f"napped {nap.cancelled_caught}")
            async with reactor.task():  # within itself it changes nothing
                await trio.lowlevel.checkpoint()
        steps.append((await wire.receive()).decode())
        try:
            async with reactor.task():
                await fails()
        except OSError as error:
            steps.append(str(error))
        steps.append((await wire.receive()).decode())

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            reactor.begin(coroutine(wire))
            theirs.send(b"light")
            await until(lambda: len(steps) >= 3, "the coroutine does not go on")
            theirs.send(b"again")
            await until(lambda: len(steps) >= 4, "the coroutine does not go on")
    assert steps == ["napped True", "light", "comes out as it is", "again"]


async def test_what_goes_wrong_beside_a_story_is_raised_in_it(poll: str) -> None:
    seen: list[str] = []

    async def coroutine(wire: Wire) -> None:
        try:
            await reactor.both(partial(_read, wire), fails)
        except* OSError as group:
            seen.extend(map(str, group.exceptions))

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            reactor.begin(coroutine(wire))
            theirs.send(b"!")
            await until(lambda: bool(seen), "the coroutine does not go on")
    assert seen == ["comes out as it is"]


async def _read(wire: Wire) -> None:
    with suppress(trio.Cancelled, WireCut):
        await wire.receive()


async def test_two_run_side_by_side_and_both_are_waited_for(poll: str) -> None:
    ended: list[str] = []

    async def coroutine(one: Wire, two: Wire) -> None:
        async def read(name: str, wire: Wire) -> None:
            ended.append(name + (await wire.receive()).decode())

        for first, second in (("a", "b"), ("c", "d")):
            await reactor.both(lambda n=first: read(n, one), lambda n=second: read(n, two))  # type: ignore[misc]
        ended.append("all")

    def so_many(count: int) -> bool:
        return len(ended) >= count

    async with running(poll) as reactor:
        with pair(reactor) as (one, ones), pair(reactor) as (two, twos):
            reactor.begin(coroutine(one, two))
            for count, peer in enumerate((ones, twos, twos, ones), 1):
                peer.send(b"!")
                await until(partial(so_many, count), "the coroutine does not go on")
            await until(lambda: len(ended) >= 5, "the coroutine does not go on")
    assert ended == ["a!", "b!", "d!", "c!", "all"]


async def test_a_busy_story_that_gives_way_lets_the_others_have_their_turn(poll: str) -> None:
    turns: list[str] = []

    async def coroutine(name: str) -> None:
        for _ in range(3):
            turns.append(name)
            await reactor.give_way()

    async with running(poll) as reactor:
        reactor.begin(coroutine("a"))
        reactor.begin(coroutine("b"))
        await until(lambda: len(turns) >= 6, "the coroutine does not go on")
    assert turns.count("a") == turns.count("b") == 3
    assert turns != ["a"] * 3 + ["b"] * 3


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="every coroutine is a trio task")
async def test_what_was_read_before_it_was_told_of_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waits: list[int] = []
    over: list[bytes] = []

    async def wait(fd: int) -> None:
        waits.append(fd)
        await trio.lowlevel.wait_readable(fd)

    monkeypatch.setattr(reactor_module, "wait_readable", wait)

    async def coroutine(wire: Wire, peer: socket.socket) -> None:
        assert await wire.receive() == b"1"
        peer.send(b"2")
        assert await wire.receive() == b"2"  # at once
        over.append(await wire.receive())

    async with running("epoll") as reactor:
        with pair(reactor) as (wire, peer):
            reactor.begin(coroutine(wire, peer))
            await trio.testing.wait_all_tasks_blocked()
            waits.clear()
            peer.send(b"1")
            await until(lambda: waits, "nothing happens")
            await trio.testing.wait_all_tasks_blocked()
            assert len(waits) == 1
            peer.send(b"3")
            await until(lambda: over, "it does not go on")


async def test_stories_that_nobody_waits_for_any_more_are_ended_where_they_wait(poll: str) -> None:
    ended: list[str] = []

    async def coroutine(wire: Wire) -> None:
        try:
            await wire.receive()
        finally:
            ended.append("here")

    async def task() -> None:
        try:
            async with reactor.task():
                await trio.sleep_forever()
        finally:
            ended.append("there")

    reactor = Reactor()
    with pair(reactor) as (wire, _):
        async with trio.open_nursery() as nursery:
            await start(reactor, nursery, poll)
            reactor.begin(coroutine(wire))
            reactor.begin(task())
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel(reason="patience is lost")
        reactor.close()
    assert sorted(ended) == ["here", "there"]


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="every coroutine is a trio task")
async def test_trio_outside_of_a_task_is_an_error_where_it_was_used() -> None:
    errors: list[RuntimeError] = []

    async def coroutine() -> None:
        try:
            await trio.sleep_forever()
        except RuntimeError as error:
            errors.append(error)

    async with running("epoll") as reactor:
        reactor.begin(coroutine())
    assert [str(error) for error in errors] == ["trio was used outside of `reactor.task()`"]
