"""What coroutines wait for at a wire: data, room, its end, a moment."""

from __future__ import annotations

import socket

import trio
import trio.testing

from rpx.proxy.sockets import Wire
from rpx.proxy.wire import Cut, WireCut
from tests.proxy.bare_reactor import pair, running
from tests.proxy.house import until


async def test_what_came_before_anybody_waited_is_not_waited_for_again(poll: str) -> None:
    seen: list[bytes] = []

    async def coroutine(wire: Wire) -> None:
        seen.append(await wire.expect())
        theirs.send(b"second")
        async with reactor.task():
            await trio.sleep(0.01)  # the event comes while a trio task carries the coroutine
        seen.append(await wire.expect())

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            theirs.send(b"first")
            reactor.begin(coroutine(wire))
            await until(lambda: len(seen) >= 2, "the coroutine does not go on")
    assert seen == [b"first", b"second"]


async def test_the_end_of_a_closed_wire_is_not_taken_for_that_of_the_next_with_its_number(
    poll: str,
) -> None:
    fresh: list[socket.socket] = []
    seen: list[bytes] = []

    async def coroutine(wire: Wire, old: Wire) -> None:
        await old.receive()
        await wire.receive()  # comes in the same turn as the end of `old`, and before it
        number = old.sock.fileno()
        old.close()
        ours, theirs = socket.socketpair()
        fresh.append(theirs)
        assert ours.fileno() == number
        ours.setblocking(False)
        new = Wire(ours, reactor)
        seen.append(await new.receive())
        new.close()

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs), pair(reactor) as (old, its):
            reactor.begin(coroutine(wire, old))
            its.send(b"registered")
            await trio.testing.wait_all_tasks_blocked(0.01)
            theirs.send(b"go")
            its.shutdown(socket.SHUT_WR)
            await until(lambda: bool(fresh), "the coroutine does not go on")
            await trio.testing.wait_all_tasks_blocked(0.01)
            fresh[0].send(b"fresh")
            await until(lambda: bool(seen), "the new wire is not read")
            fresh[0].close()
    assert seen == [b"fresh"]


async def test_an_end_that_came_together_with_the_last_data_is_seen(poll: str) -> None:
    seen: list[bytes] = []

    async def coroutine(wire: Wire) -> None:
        while data := await wire.expect():
            seen.append(data)
        seen.append(b"end")

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            reactor.begin(coroutine(wire))
            theirs.send(b"last")
            theirs.shutdown(socket.SHUT_WR)  # before the reactor has its next turn
            await until(lambda: b"end" in seen, "the end is not seen")
    assert seen == [b"last", b"end"]


async def test_to_wait_for_a_wire_that_was_cut_in_the_meantime_says_so(poll: str) -> None:
    seen: list[Cut] = []

    async def coroutine(wire: Wire) -> None:
        wire.cut(Cut.LATE)
        try:
            await wire.expect()
        except WireCut as cut:
            seen.append(cut.cut)

    async with running(poll) as reactor:
        with pair(reactor) as (wire, _):
            reactor.begin(coroutine(wire))
            await until(lambda: bool(seen), "the coroutine does not go on")
    assert seen == [Cut.LATE]


async def test_a_writer_is_resumed_when_there_is_room(poll: str) -> None:
    size = 5_000_000

    async def coroutine(wire: Wire) -> None:
        await wire.send(b"x" * size)
        await wire.finish_sending()

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            reactor.begin(coroutine(wire))
            theirs.setblocking(False)
            stream = trio.socket.from_stdlib_socket(theirs)
            taken = 0
            while data := await stream.recv(65536):
                taken += len(data)
    assert taken == size


async def test_a_wire_that_is_cut_wakes_the_story_that_waits_for_it(poll: str) -> None:
    seen: list[Cut] = []

    async def coroutine(wire: Wire) -> None:
        try:
            await wire.receive()
        except WireCut as cut:
            seen.append(cut.cut)

    async with running(poll) as reactor:
        with pair(reactor) as (wire, _):
            reactor.begin(coroutine(wire))
            await trio.testing.wait_all_tasks_blocked()
            wire.cut(Cut.LATE)
            await until(lambda: bool(seen), "the coroutine does not go on")
    assert seen == [Cut.LATE]


async def test_what_comes_within_a_moment_is_waited_for_and_what_does_not_is_not(poll: str) -> None:
    came: list[bytes | None] = []

    async def coroutine(wire: Wire) -> None:
        came.append(await wire.receive_soon())
        theirs.send(b"!")
        came.append(await wire.receive_soon())
        came.append(await wire.receive_soon())

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs):
            reactor.begin(coroutine(wire))
            await until(lambda: len(came) == 3, "the coroutine does not go on")
    assert came == [None, b"!", None]


async def test_what_was_told_of_before_the_last_read_is_not_what_a_moment_waits_for(
    poll: str,
) -> None:
    came: list[bytes | None] = []

    async def coroutine(wire: Wire, other: Wire) -> None:
        await wire.receive()
        theirs.send(b"head")
        await other.receive()  # meanwhile the head is told of, and nobody waits for it
        assert await wire.receive() == b"head"
        came.append(await wire.receive_soon())

    async with running(poll) as reactor:
        with pair(reactor) as (wire, theirs), pair(reactor) as (other, others):
            reactor.begin(coroutine(wire, other))
            theirs.send(b"!")
            await trio.testing.wait_all_tasks_blocked()
            others.send(b"!")
            await until(lambda: bool(came), "the coroutine does not go on")
    assert came == [None]
