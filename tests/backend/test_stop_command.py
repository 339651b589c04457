"""A command that stops a process instead of a signal, with real processes."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rpx.backend.child import Child, open_child
from rpx.backend.side_command import SideCommand
from rpx.hub.patience import Patience
from rpx.model.config import Start

pytestmark = pytest.mark.real

# Hears TERM and says so; goes well by itself when a file appears.
SERVICE = """
trap 'echo term > heard; exit 1' TERM
touch up
while [ ! -e leave ]; do sleep 0.02; done
"""


class Case:
    """What the stop command said about itself."""

    def __init__(self) -> None:
        self.patience = Patience()
        self.failures: list[str | None] = []


@asynccontextmanager
async def service(
    folder: Path, stop_command: str, case: Case, *, grace: float = 10
) -> AsyncIterator[Child]:
    start = Start(command=SERVICE, cwd=folder, stop_grace_period=grace)
    side = SideCommand(start, os.environ, f"t{os.getpid()}.2.aside")

    async def ask(pid: int) -> bool:
        failure = await side.run(stop_command, within=math.inf, RPX_PID=str(pid))
        case.failures.append(failure)
        return failure is None

    instance = f"t{os.getpid()}.2"
    with trio.fail_after(20):
        async with open_child(
            start, os.environ, instance=instance, patience=case.patience, ask=ask
        ) as child:
            while not (folder / "up").exists():  # noqa: ASYNC110 - nothing tells of it
                await trio.sleep(0.01)
            yield child


async def test_the_command_stops_it_and_no_signal_is_sent(tmp_path: Path) -> None:
    case = Case()
    async with service(tmp_path, 'touch leave; echo "$RPX_PID" > pid', case) as child:
        await child.stop()
        assert await child.wait() == 0
        assert (tmp_path / "pid").read_text() == f"{child.pid}\n"
    assert not (tmp_path / "heard").exists()
    assert case.failures == [None]


async def test_a_command_that_fails_is_followed_by_the_signal(tmp_path: Path) -> None:
    case = Case()
    async with service(tmp_path, "echo no such cluster; exit 4", case) as child:
        await child.stop()
        assert await child.wait() == 1
    assert (tmp_path / "heard").exists()
    assert case.failures == ["exited with status 4: no such cluster"]


@pytest.mark.parametrize("command", ["true", "sleep 60"], ids=["does nothing", "never ends"])
async def test_the_grace_period_holds_for_the_command_too(tmp_path: Path, command: str) -> None:
    case = Case()
    async with service(tmp_path, command, case, grace=0.3) as child:
        began = trio.current_time()
        await child.stop()
        assert 0.3 <= trio.current_time() - began < 3
        assert await child.wait() == -9


async def test_lost_patience_does_not_wait_for_the_command(tmp_path: Path) -> None:
    case = Case()
    async with service(tmp_path, "sleep 60", case, grace=60) as child:
        case.patience.lose()
        await child.stop()
        assert await child.wait() == -9


async def test_a_cancelled_stop_asks_again(tmp_path: Path) -> None:
    case = Case()
    script = "if [ -e first ]; then touch leave; else touch first; sleep 60; fi"
    async with service(tmp_path, script, case) as child:
        with trio.move_on_after(10) as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child.stop)
                while not (tmp_path / "first").exists():  # noqa: ASYNC110 - nothing tells of it
                    await trio.sleep(0.01)
                scope.cancel()
    assert await child.wait() == 0
    assert case.failures == [None]
