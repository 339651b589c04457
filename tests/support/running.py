"""A real child whose output is read all the time, and every process that it told of."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import psutil
import trio

from rpx.backend.child import Child, open_child
from rpx.backend.child_output import pump
from rpx.hub.patience import Patience
from rpx.model.config import Start, Stdin, Whom
from tests.support.looks import pause

_BEGAN = psutil.Process().create_time()  # what is older is none of ours, and must not be killed
APPS = Path(__file__).parents[2] / "fixtures" / "apps"
SOON = 30.0  # seconds


class Running:
    """What a test sees of a child."""

    def __init__(self, child: Child, patience: Patience) -> None:
        self.child = child
        self.patience = patience
        self.lines: list[str] = []
        self.named: dict[str, psutil.Process] = {}
        self.left: list[str] = []  # who was still there after the context

    def hear(self, lines: bytes) -> None:
        text = lines.decode("utf-8", "replace")
        self.lines += text.split("\n")[:-1]
        for name, pid in re.findall(r"(?m)^(\w+) (\d+)$", text):
            if process := named(int(pid)):
                self.named[name] = process

    async def until_it_says(self, text: str) -> None:
        await until(lambda: any(text in line for line in self.lines), f"{text!r} in {self.lines}")

    async def until_named(self, *names: str) -> None:
        await until(lambda: set(names) <= set(self.named), f"{names} in {self.lines}")

    def survivors(self) -> list[str]:
        return [name for name, process in self.named.items() if alive(process)]


@asynccontextmanager
async def running(
    command: str | tuple[str, ...],
    *,
    grace: float = 10,
    emit: bool = True,
    stdin: Stdin = "open",
    whom: Whom = "group",
    tty: bool = False,
    user: str | None = None,
    number: int = 1,
    **env: str,
) -> AsyncIterator[Running]:
    start = Start(
        command=command,
        cwd=Path("/"),
        stdin=stdin,
        tty=tty,
        user=user,
        stop_signal_to=whom,
        stop_grace_period=grace,
    )
    patience = Patience()
    it: Running | None = None
    try:
        with trio.fail_after(2 * SOON):
            async with trio.open_nursery() as readers:
                async with open_child(
                    start,
                    {**os.environ, **env},
                    instance=f"t{os.getpid()}.{number}",
                    patience=patience,
                ) as child:
                    it = Running(child, patience)
                    if emit:
                        readers.start_soon(_read_to_the_end, child, it.hear)
                    yield it
    finally:
        if it is not None:
            it.left = it.survivors()
            for process in it.named.values():
                with suppress(psutil.NoSuchProcess):
                    process.kill()  # psutil refuses a number that is somebody else's by now


async def _read_to_the_end(child: Child, emit: Callable[[bytes], None]) -> None:
    with trio.CancelScope(shield=True):
        await pump(child.output, emit)


def app(name: str) -> tuple[str, ...]:
    return (sys.executable, str(APPS / f"{name}.py"))


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


def named(pid: int) -> psutil.Process | None:
    """Return the process whose number was printed, unless that is another number ("got 15")."""
    try:
        process = psutil.Process(pid)
        return process if process.create_time() >= _BEGAN else None
    except psutil.NoSuchProcess:
        return None


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def until(true: Callable[[], object], what: str = "") -> None:
    began = trio.current_time()
    with trio.move_on_after(SOON):
        while not true():  # noqa: ASYNC110 - nothing tells of it, it has to be looked at
            await trio.sleep(pause(trio.current_time() - began))
        return
    raise AssertionError(f"not within {SOON:g} s: {what}")
