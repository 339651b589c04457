"""A guardian under test, with the supervisor below it and all that this has started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.support.looks import pause
from tests.support.running import alive, named

ROOT = Path(__file__).parents[2]
APPS = ROOT / "fixtures" / "apps"
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="subreaper and PDEATHSIG are Linux's")

SUPERVISOR = """
import os, signal, subprocess, sys
from rpx.backend.guardian import guard, guardian_is_gone
def say(line): os.write(1, (line + "\\n").encode())
def heard(number, frame): say(f"heard {number}")
def run():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, heard)
    say(f"supervisor {os.getpid()}")
    signal.signal(signal.SIGUSR1, lambda number, frame: os._exit(0))
    while True:
        signal.pause()
"""
IN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n" + SUPERVISOR
FAMILY = """
import os, sys
from functools import partial
from pathlib import Path
from rpx.backend.guardian import guard, guardian_is_gone
def run():
    import signal, trio
    from rpx.backend.child import open_child
    from rpx.backend.child_output import pump
    from rpx.hub.patience import Patience
    from rpx.model.config import Start
    say = lambda line: os.write(1, line + b"\\n")
    patience = Patience()
    async def service(command):
        start = Start(command=command, cwd=Path("/"))
        async with open_child(start, dict(os.environ), instance="test.1", patience=patience) as it:
            async with trio.open_nursery() as readers:
                readers.start_soon(pump, it.output, say)
                await it.wait()
    async def main():
        say(b"supervisor %d" % os.getpid())
        async with trio.open_nursery() as nursery:
            for command in sys.argv[1:]:
                nursery.start_soon(service, command)
            with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                async for _ in signals:
                    if guardian_is_gone():
                        patience.lose()
                    nursery.cancel_scope.cancel()
    trio.run(main)
    return 0
"""
GUARDED = "\nsys.exit(guard(run))\n"


class Guarded:
    """A guardian under test, what it printed so far, and every pid that was named there."""

    def __init__(self, script: str, *args: str, before: str = "", **options: object) -> None:
        command = [sys.executable, "-c", script + GUARDED, *args]
        if before:
            command = ["/bin/sh", "-c", f'{before}; exec "$0" "$@"', *command]
        out, ours = os.pipe()
        given: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": ours, **options}
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            command,
            stderr=given.pop("stderr", subprocess.PIPE),  # type: ignore[call-overload]
            env={**os.environ, "PYTHONPATH": str(ROOT), "DEAF": "1"},
            start_new_session=True,
            **given,
        )
        os.close(ours)
        os.set_blocking(out, False)
        self._out = out
        self.text = ""
        self.known: dict[str, psutil.Process] = {}

    @property
    def pid(self) -> int:
        return self.process.pid

    def read(self) -> str:
        with suppress(BlockingIOError, OSError):
            while data := os.read(self._out, 65536):
                self.text += data.decode()
        for name, pid in re.findall(r"(?m)^(\w+) (\d{2,})\b", self.text):
            if f"{name} {pid}" not in self.known and (process := named(int(pid))):
                self.known[f"{name} {pid}"] = process
        return self.text

    def until_it_says(self, text: str, times: int = 1) -> None:
        until(lambda: self.read().count(text) >= times, f"{text!r} in {self.text!r}")

    @property
    def supervisor(self) -> psutil.Process:
        return next(it for name, it in self.known.items() if name.startswith("supervisor"))

    def survivors(self) -> list[psutil.Process]:
        return [it for it in self.known.values() if alive(it)]

    def end(self) -> int:
        code: int = self.process.wait(30)
        return code

    def close(self) -> None:
        for process in (psutil.Process(self.pid), *self.survivors()) if self.running else ():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(30)
        for process in self.survivors():
            with suppress(psutil.NoSuchProcess):
                process.kill()
        if self.process.stderr:
            self.process.stderr.close()
        os.close(self._out)

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def errors(self) -> str:
        assert self.process.stderr is not None
        said: bytes = self.process.stderr.read()
        return said.decode()


Launch = Callable[..., Guarded]


def launcher() -> Iterator[Launch]:
    """The body of a fixture: starts guardians, and ends with the test what is left of them."""
    opened: list[Guarded] = []

    def begin(script: str, *args: str, **options: object) -> Guarded:
        opened.append(Guarded(script, *args, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield begin
    for guarded in opened:
        guarded.read()
        guarded.close()


def until(true: Callable[[], object], what: str = "", within: float = 30) -> None:
    began = time.monotonic()
    while not true():
        waited = time.monotonic() - began
        assert waited < within, f"not within {within} s: {what}"
        time.sleep(pause(waited))
