"""open_child cancelled at every step it has, one run per step: the leader is always reaped."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import psutil
import pytest
import trio
import trio.testing

from rpx.backend.child import Child, open_child
from rpx.backend.child_output import pump
from rpx.backend.leader import Leader
from rpx.backend.processes import ProcessIdentity
from rpx.hub.patience import Patience
from rpx.model.address import Address, Location
from rpx.model.config import Start
from tests.support.anomaly import CancelAtStep


class FakeLeader:
    """A process made of an event. It hears SIGKILL, and SIGTERM only if it is polite."""

    def __init__(self, *, polite: bool) -> None:
        self.pid = 12345
        self.created = ProcessIdentity(12345, 1)
        self.feed, self.output = trio.testing.memory_stream_one_way_pair()
        self.heard: list[int] = []
        self.reaped = 0
        self.polite = polite
        self._code: int | None = None
        self._gone = trio.Event()

    def die(self, code: int) -> None:
        if self._code is None:
            self._code = code
            self._gone.set()

    def exit_code(self) -> int | None:
        return self._code

    async def exited(self) -> int:
        await self._gone.wait()
        assert self._code is not None
        return self._code

    def kill(self, signum: int) -> None:
        assert not self.reaped, "the number may be a stranger's"
        self.heard.append(signum)
        if signum == signal.SIGKILL or (self.polite and signum == signal.SIGTERM):
            self.die(-signum)

    kill_group = kill

    async def living(self) -> list[psutil.Process]:
        await trio.lowlevel.checkpoint()
        return []

    async def listener(self, location: Location) -> psutil.Process | None:
        await trio.lowlevel.checkpoint()
        return None

    def rest(self) -> bytes:
        return b""

    def reap(self) -> None:
        assert self._code is not None
        self.reaped += 1


def opened(leaders: list[FakeLeader], *, polite: bool) -> AbstractAsyncContextManager[Child]:
    async def spawn(_start: Start, _env: Mapping[str, str], _instance: str) -> Leader:
        await trio.lowlevel.checkpoint()
        leaders.append(FakeLeader(polite=polite))
        return leaders[-1]

    start = Start(command="fake", cwd=Path("/"), stop_grace_period=5)
    return open_child(start, {}, instance="t.1", patience=Patience(), spawn=spawn)


def every_step(scenario: Callable[[], Awaitable[None]]) -> Iterator[int]:
    """Run it again and again, cancelled one step later each time, until it comes to its end."""
    step, left = 0, 0
    while left <= 0:
        step += 1
        scope = trio.CancelScope()
        hook = CancelAtStep(scope, step)

        async def once(scope: trio.CancelScope = scope) -> None:
            with scope:
                await scenario()

        trio.run(once, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[hook])
        left = hook.left
        yield step


@pytest.mark.parametrize("polite", [True, False])
def test_a_cancel_anywhere_leaves_no_child(polite: bool) -> None:
    leaders: list[FakeLeader] = []

    async def scenario() -> None:
        async with trio.open_nursery() as readers, opened(leaders, polite=polite) as child:
            readers.start_soon(pump, child.output, lambda line: None)
            await trio.sleep(1)
            await child.strike(signal.SIGUSR1, Address("localhost", 80))
            await child.stop()
            await child.sweep()

    tried = 0
    for tried in every_step(scenario):  # noqa: B007 - the last one is looked at below
        assert [leader.reaped for leader in leaders] == [1] * len(leaders)
        assert all(leader.heard.count(signal.SIGTERM) <= 1 for leader in leaders)
        leaders.clear()
    assert tried > 20


def test_a_cancel_anywhere_after_a_crash_leaves_no_child() -> None:
    leaders: list[FakeLeader] = []

    async def scenario() -> None:
        async with opened(leaders, polite=True) as child:
            leaders[-1].die(1)
            assert await child.wait() == 1
            await child.sweep()

    for _ in every_step(scenario):
        assert [leader.reaped for leader in leaders] == [1] * len(leaders)
        leaders.clear()


async def test_no_grace_period_is_longer_than_it_says(
    autojump_clock: trio.testing.MockClock,
) -> None:
    leaders: list[FakeLeader] = []
    async with opened(leaders, polite=False) as child:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(child.stop, 100))
            await trio.sleep(1)
            nursery.start_soon(partial(child.stop, 3))
    assert trio.current_time() == pytest.approx(4, abs=0.5)
    assert leaders[0].heard[:3] == [signal.SIGTERM, signal.SIGCONT, signal.SIGKILL]
    assert leaders[0].reaped == 1
