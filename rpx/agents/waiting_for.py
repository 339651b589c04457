"""The tools that take their time, in trio: `wait` and `drill`. Cancelled, what they do ends."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final

import trio

from rpx.agents.tool_answers import DamageSeen, DrillAnswer, FailedSeen, PhaseSeen, WaitAnswer
from rpx.agents.tool_inputs import DrillInput, WaitInput
from rpx.agents.which_project import Where
from rpx.errors import NotRunning, RpxError
from rpx.model.answers import Ps
from rpx.model.status import State
from rpx.runs.all_ready import BEGUN, still_awaited, waiting_for, without_hope
from rpx.runs.api_client import ApiClient
from rpx.runs.chosen import chosen

# What has come of it so far, of how much (None: not known), in words.
Progress = Callable[[float, float | None, str], Awaitable[None]]

LOOK: Final = 0.25  # seconds between two looks
TELL: Final = 1.0  # seconds between two reports of progress
ENDS_WITHIN: Final = 5.0  # seconds for a drill that was told to end: it lets go whom it holds


async def in_thread(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - what it returns
    """What blocks, beside; cancelled, nobody waits for it. An order goes on in the project."""
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True)


async def wait(asked: WaitInput, where: Where, progress: Progress) -> WaitAnswer:
    """Until all is ready or quiet, one has failed, or the time is over."""
    return await _Waiting(asked, where, progress).over()


class _Waiting:
    """For one project, which may be started anew meanwhile."""

    def __init__(self, asked: WaitInput, where: Where, progress: Progress) -> None:
        self._asked = asked
        self._where = where
        self._progress = progress
        self._began = trio.current_time()
        self._told = -math.inf
        self._quiet = _Quiet(asked.quiet_for)

    async def over(self) -> WaitAnswer:
        """What it has come to."""
        asked = self._asked
        client: ApiClient | None = await in_thread(lambda: self._where.client(asked.project))
        while client is not None:
            rows = await in_thread(partial(_rows, client, asked.names))
            if rows is None:
                client = await in_thread(partial(_next_client, self._where, asked.project))
                continue
            if failed := _failed(rows):
                labels = ", ".join(each.label for each in failed[:3])
                return WaitAnswer("failed", self._lasts, failed=failed, next=f"`why` {labels}")
            left = _on_the_way(rows, early=self._lasts < BEGUN)
            if not left and asked.until == "quiet":
                left = await in_thread(partial(self._quiet.disturbed, client, asked.names, rows))
            if not left:
                return WaitAnswer(asked.until, self._lasts)
            if self._lasts >= asked.timeout:
                reasons = await in_thread(partial(_reasons, client, left))
                return WaitAnswer("timeout", self._lasts, reasons, next="`wait` again, or `why`")
            await self._look_again(left)
        return WaitAnswer("ended", self._lasts, next="`logs` of `rpx` says why")

    async def _look_again(self, left: Sequence[str]) -> None:
        lasts, timeout = self._lasts, self._asked.timeout
        if lasts - self._told >= TELL:
            self._told = lasts
            await self._progress(lasts, timeout, f"waiting for {', '.join(left[:5])}")
        await trio.sleep(min(LOOK, max(timeout - lasts, 0.0)))

    @property
    def _lasts(self) -> float:
        return round(trio.current_time() - self._began, 1)


def _rows(client: ApiClient, names: Sequence[str]) -> list[Ps] | None:
    """The rows of these; None: the project has ended. Raises: RpxError for other names."""
    try:
        return chosen(client.ps(), names)
    except RpxError:
        if client.still_runs():
            raise
        return None


def _next_client(where: Where, project: str) -> ApiClient | None:
    """Of the run that has followed, or will in a moment: the project is started anew."""
    for _ in range(20):
        try:
            return where.client(project)
        except NotRunning:
            time.sleep(0.1)
    return None


def _failed(rows: Sequence[Ps]) -> tuple[FailedSeen, ...]:
    own = [row for row in rows if row.own]
    found = []
    for row in own:
        if row.state == State.FAILED.value:
            others = waiting_for(row.name, own)
            more = f"; {', '.join(others)} wait for it" if others else ""
            found.append(FailedSeen(row.label, f"{row.last_error}{more}", row.last_lines))
        elif names := without_hope(row):
            error = f"it waits for {', '.join(names)}, which will not come by itself"
            found.append(FailedSeen(row.label, error))
    return tuple(found)


def _on_the_way(rows: Sequence[Ps], *, early: bool) -> list[str]:
    ours = [row for row in rows if not row.external]
    not_asked = [
        row
        for row in rows
        if row.external and row.state == State.UNHEALTHY.value and not row.last_error
    ]
    return [row.label for row in still_awaited(ours, time.time(), early=early) or not_asked]


def _reasons(client: ApiClient, left: Sequence[str]) -> tuple[str, ...]:
    try:
        sentences = [each.sentence for each in client.waits() if each.label in left]
    except RpxError:
        sentences = []
    return tuple(sentences or left)


class _Quiet:
    """Whether nobody has printed for so many seconds, and no request is under way."""

    def __init__(self, lasts: float) -> None:
        self._lasts = lasts
        self._since = time.monotonic()
        self._printed: dict[str, float] = {}

    def disturbed(self, client: ApiClient, names: Sequence[str], rows: Sequence[Ps]) -> list[str]:
        """What was not quiet for so long, in words."""
        printed = {line.label: line.at for line in client.logs(names, tail=1)}
        new = [label for label, at in printed.items() if self._printed.get(label) != at]
        busy = [row.label for row in rows if row.in_flight]
        first, self._printed = not self._printed, printed
        if (new and not first) or busy:
            self._since = time.monotonic()
        if time.monotonic() - self._since >= self._lasts:
            return []
        said = [f"{label} prints" for label in new if not first]
        return said + [f"{label} answers a request" for label in busy] or ["quiet"]


async def drill(asked: DrillInput, where: Where, progress: Progress) -> DrillAnswer:
    """`rpx drill` as a process of its own: a load that this one must not slow down.

    Raises: RpxError: it could not be begun.
    """
    lease = await in_thread(lambda: where.running(asked.project))
    # -P: a folder `rpx` of the project is not us.
    words = [sys.executable, "-P", "-m", "rpx", "drill", asked.name, *drill_flags(asked)]
    words += ["--json", "--color", "never", "--file", str(lease.config)]
    out, err = bytearray(), bytearray()
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(_run, words)
        nursery.start_soon(_collect, process.stdout, out)
        nursery.start_soon(_collect, process.stderr, err)
        began = trio.current_time()
        while process.returncode is None:
            lasts = trio.current_time() - began
            said = err.decode(errors="replace").strip().rpartition("\n")[2]
            await progress(min(lasts, asked.duration), asked.duration, said)
            with trio.move_on_after(TELL):
                await process.wait()
    try:
        return _report(json.loads(out))
    except ValueError:
        raise _told(err.decode(errors="replace")) from None


def drill_flags(asked: DrillInput) -> list[str]:
    """Return it as options of `rpx drill`."""
    flags = [f"--{asked.damage}", *([asked.backend] if asked.backend else [])]
    flags += ["--rate", str(asked.rate), "--duration", f"{asked.duration}s", "--path", asked.path]
    flags += ["--allow-errors", str(asked.allow_errors)]
    if asked.grpc is not None:
        flags += ["--grpc", *([asked.grpc] if asked.grpc else [])]
    for name, value in (("--at", asked.at), ("--down-for", asked.down_for)):
        flags += [] if value is None else [name, f"{value}s"]
    return flags


async def _run(words: Sequence[str], *, task_status: trio.TaskStatus[trio.Process]) -> None:
    """Until it ends; cancelled, it is asked to, and then made to."""
    await trio.run_process(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
        deliver_cancel=_interrupt,
        task_status=task_status,
    )


async def _interrupt(process: trio.Process) -> None:
    process.send_signal(signal.SIGINT)
    await trio.sleep(ENDS_WITHIN)
    process.kill()


async def _collect(stream: trio.abc.ReceiveStream | None, into: bytearray) -> None:
    assert stream is not None  # noqa: S101 - it is a pipe
    async for chunk in stream:
        into += chunk[: max((1 << 22) - len(into), 0)]


def _report(told: dict[str, Any]) -> DrillAnswer:
    requests, damage = told["requests"], told["damage"]
    failed = requests["failed"]
    sentence = f"{requests['sent']} sent, {failed} failed"
    if damage is not None and damage["left_after"] is not None:
        sentence += f"; {damage['backend']} left the rotation after {damage['left_after']:.3f} s"
        back = damage["returned_after"]
        sentence += f", returned after {back:.2f} s" if back is not None else ", did not return"
    keys = ("kind", "backend", "pid", "at", "left_after", "returned_after")
    return DrillAnswer(
        passed=told["passed"],
        sentence=sentence,
        sent=requests["sent"],
        failed=failed,
        failures=requests["failures"],
        statuses=requests["statuses"],
        retried=requests["retried"],
        held=requests["held"],
        latency={name: PhaseSeen(**phase) for name, phase in told["latency"].items()},
        damage=damage and DamageSeen(**{key: damage[key] for key in keys}),
        cut_short=told["cut_short"],
        next="" if told["passed"] else "`requests` with filter status:5xx has those that failed",
    )


def _told(said: str) -> RpxError:
    """The error that a command has printed, with its hint."""
    _, _, error = said.rpartition("error: ")
    what, _, hint = error.partition("\nhint: ")
    return RpxError(what.strip() or "the drill has ended without a report", hint=hint.strip())
