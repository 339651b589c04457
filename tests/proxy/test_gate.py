"""Coroutines wait for each other, whether the reactor carries them, a trio task, or one of each."""

from __future__ import annotations

import pytest
import trio

from rpx.proxy.gate import Gate
from tests.proxy.bare_reactor import running

POLLS = pytest.mark.parametrize("poll", ["epoll", "no epoll"])


@POLLS
async def test_who_waits_goes_on_in_the_order_of_having_come(poll: str) -> None:
    gone: list[str] = []
    async with running(poll) as reactor:
        gate = Gate(reactor)

        async def coroutine(name: str) -> None:
            await gate.wait()
            gone.append(name)

        async def carried(name: str) -> None:
            async with reactor.task():
                await coroutine(name)

        waiting = gate._waiting
        for count, (work, name) in enumerate(
            [(coroutine, "a"), (carried, "b"), (coroutine, "c"), (carried, "d")], 1
        ):
            reactor.begin(work(name))
            while len(waiting) < count:
                await trio.lowlevel.checkpoint()
        gate.let_one_on()
        while not gone:
            await trio.lowlevel.checkpoint()
        assert gone == ["a"]
        gate.let_on()
        while len(gone) < 4:
            await trio.lowlevel.checkpoint()
        gate.let_one_on()  # nobody is there
    assert sorted(gone) == ["a", "b", "c", "d"]


@POLLS
async def test_who_is_cancelled_waits_no_more_and_takes_nobody_elses_turn(poll: str) -> None:
    gone = trio.Event()
    async with running(poll) as reactor:
        gate = Gate(reactor)

        async def impatient() -> None:
            async with reactor.task():
                with trio.move_on_after(0):
                    await gate.wait()

        async def patient() -> None:
            await gate.wait()
            gone.set()

        reactor.begin(impatient())
        reactor.begin(patient())
        while len(gate._waiting) != 1 or gone.is_set():
            await trio.lowlevel.checkpoint()
        gate.let_one_on()
        await gone.wait()
