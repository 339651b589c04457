"""Lives begin and end one by one while the others go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from rpx.backend.fleet import Fleet
from rpx.hub.backend import Backend
from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.patience import Patience
from rpx.hub.registry import Registry
from rpx.model.config import Restart
from rpx.model.specs import BackendSpec
from rpx.model.status import State
from tests.support.bench import process_of, registry, spec

pytestmark = pytest.mark.real
SOON = 15.0


def sleeper(port: int = 3000, command: str = "exec sleep 100") -> BackendSpec:
    return spec(port, command=command, ready={"delay": 0}, restart=Restart(policy="no"))


@asynccontextmanager
async def fleet_of(the: Registry) -> AsyncIterator[Fleet]:
    bugs: list[ExceptionGroup[Exception]] = []
    fleet = Fleet(the, Patience(), bugs.append, run_id="test", colour=False)
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            await nursery.start(fleet.run, set(the.backends))
            yield fleet
            await fleet.shut_down()
            nursery.cancel_scope.cancel()
    assert not bugs


async def running(backend: Backend) -> int:
    while backend.pid is None:
        await backend.changed.wait()
    return backend.pid


async def test_one_begins_and_ends_and_the_others_keep_their_processes() -> None:
    the = registry(sleeper())
    first = the.backends["api:3000"]
    async with fleet_of(the) as fleet:
        pid = await running(first)
        second = the.add(sleeper(3001))
        fleet.begin(second)
        await running(second)
        the.retire(second)
        await fleet.end(second)
        assert (second.state, second.pid, process_of(second).gone) == (State.STOPPED, None, True)
        assert the.everyone == [first]
        assert process_of(first).pid == pid


async def test_one_that_nobody_wants_yet_stays_down() -> None:
    the = registry()
    async with fleet_of(the) as fleet:
        backend = the.add(sleeper())
        fleet.begin(backend, wanted=False)
        while backend.about_to_start:
            await backend.changed.wait()
        assert backend.state is State.STOPPED
        process_of(backend).mailbox.give.send_nowait(Order(OrderKind.START))
        await running(backend)


async def test_one_that_is_leaving_is_stopped_with_the_others() -> None:
    the = registry(sleeper())
    [backend] = the.everyone
    async with fleet_of(the):
        await running(backend)
        the.retire(backend)
    assert backend.state is State.STOPPED


async def test_a_restart_takes_the_command_that_holds_by_then() -> None:
    the = registry(sleeper(command="echo old; exec sleep 100"))
    [backend] = the.everyone
    with the.lines.subscribe(10) as output:
        async with fleet_of(the):
            assert (await output.__anext__()).text == b"old\n"
            the.respec({backend: sleeper(command="echo new; exec sleep 100")})
            process_of(backend).mailbox.give.send_nowait(Order(OrderKind.RESTART))
            assert (await output.__anext__()).text == b"new\n"
