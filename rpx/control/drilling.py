"""Drills that clients of the control API start: one at a time, each a command of its own.

A drill stands outside the project, as any client does: within it the load would wait for the very
loop that it is to measure. It ends with the project.
"""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import trio

from rpx.control.request_bodies import DrillBody
from rpx.errors import RpxError, visible
from rpx.hub.shutdown import Shutdown
from rpx.model.drill_run import DrillRun, DrillState

KEPT: Final = 8  # drills, the oldest goes first
SAID: Final = 50  # sentences of one
LINE: Final = 1 << 20  # bytes; the longest line is a report, of a few thousand
ERRORS: Final = 4000  # bytes of what it says about itself
ENDS_WITHIN: Final = 10.0  # seconds, in which it lets a suspended process go on
INTERRUPTED: Final = 128 + signal.SIGINT


def options_of(body: DrillBody) -> list[str]:
    """Return the options of `rpx drill` for this, with their values; none for what is as usual."""
    usual = DrillBody(service=body.service)
    options = []
    if body.damage != usual.damage or body.backend:
        options.append(_option(body.damage, body.backend))
    for name in ("rate", "duration", "at", "down_for", "path", "grpc", "allow_errors"):
        value = getattr(body, name)
        if value != getattr(usual, name):
            text = f"{value:g}s" if isinstance(value, float) else str(value)
            options.append(_option(name.replace("_", "-"), text))
    return options


def _option(name: str, value: str) -> str:
    return f"--{name}={value}" if value else f"--{name}"


def as_typed(body: DrillBody) -> str:
    """Return the command as somebody would type it."""
    options = [part for each in options_of(body) for part in each.split("=", 1)]
    return shlex.join(["rpx", "drill", body.service, *options])


@dataclass(slots=True)
class _Running:
    """A drill from when it was asked for."""

    number: int
    body: DrillBody
    began: float
    verdict: DrillState = "running"
    said: deque[str] = field(default_factory=lambda: deque(maxlen=SAID))
    progress: Any = None
    report: Any = None
    error: str = ""
    stopped: bool = False
    process: trio.Process | None = None
    under_way: trio.Event = field(default_factory=trio.Event)

    def told(self) -> DrillRun:
        return DrillRun(
            id=str(self.number),
            service=self.body.service,
            command=as_typed(self.body),
            state=self.verdict,
            began=self.began,
            duration=self.body.duration,
            said=tuple(self.said),
            progress=self.progress,
            report=self.report,
            error=self.error,
        )

    def hear(self, line: bytes) -> None:
        """Take a line of its output; what is none of those that it has been asked for is passed."""
        try:
            told = json.loads(line)
        except ValueError:
            return
        if not isinstance(told, dict):
            return
        if "progress" in told:
            self.progress = told["progress"]
        elif "said" in told:
            self.said.append(told["said"])
        elif "passed" in told:
            self.report = told
        self.under_way.set()

    def interrupt(self) -> None:
        """Have it end, with a report of what there was."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)

    def end(self, code: int, errors: bytes) -> None:
        """Say what came of it."""
        if self.stopped or code == INTERRUPTED:
            self.verdict = "stopped"
        elif self.report is None:
            self.verdict = "broken"
            self.error = errors.decode("utf-8", "replace").strip() or f"it ended with {code}"
        else:
            self.verdict = "passed" if self.report["passed"] else "failed"


class Drills:
    """Those of one run. `command`: how `rpx drill` is called for this project; empty: it isn't."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        self._command = command
        self._runs: deque[_Running] = deque(maxlen=KEPT)
        self._number = 0
        self._wanted = trio.Event()

    def all(self) -> list[DrillRun]:
        """Return the last ones, the newest last."""
        return [each.told() for each in self._runs]

    async def start(self, body: DrillBody) -> DrillRun:
        """Start one, and return it once it is under way.

        Raises: RpxError when another one runs, or when this cannot be begun.
        """
        if not self._command:
            raise RpxError("no drill can be started from here", hint="type `rpx drill`")
        if running := self._running():
            raise RpxError(
                f"a drill of `{running.body.service}` is running",
                hint="there is one at a time: wait for its report, or stop it",
            )
        self._number += 1
        run = _Running(self._number, body, time.time())
        self._runs.append(run)
        self._wanted.set()
        await run.under_way.wait()
        if run.verdict == "broken":
            self._runs.remove(run)
            raise _as_error(run.error)
        return run.told()

    def stop(self) -> DrillRun:
        """Stop the one that runs; its report is of what there was. Raises: RpxError without one."""
        run = self._running()
        if run is None:
            raise RpxError("no drill is running", hint="`GET /v1/drills` has the last ones")
        run.stopped = True
        run.interrupt()
        return run.told()

    def _running(self) -> _Running | None:
        return next((each for each in self._runs if each.verdict == "running"), None)

    async def serve(self, shutdown: Shutdown) -> None:
        """Carry out what is asked for, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            if run := self._running():
                try:
                    await self._carry_out(run, shutdown)
                finally:
                    run.under_way.set()

    async def _carry_out(self, run: _Running, shutdown: Shutdown) -> None:
        words = [*self._command, run.body.service, "--json", "--progress", *options_of(run.body)]
        pipe = subprocess.PIPE
        try:
            run.process = process = await trio.lowlevel.open_process(
                words,
                stdin=subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,  # Ctrl-C is for rpx, which then ends it
            )
        except OSError as error:
            run.end(1, f"error: it cannot be started: {error.strerror or error}".encode())
            return
        if run.stopped:  # meanwhile
            run.interrupt()
        errors = bytearray()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_interrupted_at_the_end, run, shutdown)
                nursery.start_soon(_keep, process.stderr, errors)
                await _each_line(process.stdout, run)
                await process.wait()
                nursery.cancel_scope.cancel(reason="the drill is over")
        finally:
            await _ended(process)
        run.end(process.returncode or 0, bytes(errors))


async def _interrupted_at_the_end(run: _Running, shutdown: Shutdown) -> None:
    await shutdown.wait()
    run.interrupt()


async def _each_line(stream: trio.abc.ReceiveStream | None, run: _Running) -> None:
    assert stream is not None  # noqa: S101 - it has a pipe
    rest = b""
    while chunk := await stream.receive_some():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            run.hear(line)
        rest = rest[-LINE:]


async def _keep(stream: trio.abc.ReceiveStream | None, kept: bytearray) -> None:
    assert stream is not None  # noqa: S101 - likewise
    while chunk := await stream.receive_some():
        kept += chunk
        del kept[:-ERRORS]


async def _ended(process: trio.Process) -> None:
    """See to it that the process has gone, whatever happens here."""
    with trio.CancelScope(shield=True):
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            with trio.move_on_after(ENDS_WITHIN):
                await process.wait()
        if process.returncode is None:
            process.kill()
            await process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                await stream.aclose()


def _as_error(text: str) -> RpxError:
    """What a command has said about itself, as it would be raised here."""
    what, _, hint = visible(text).removeprefix("error: ").partition("hint: ")
    return RpxError(what.strip(), hint=hint.strip())
