"""What a drill does to one backend, as a plan and in fact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

import psutil
import trio

from rpx.errors import RpxError, UsageError
from rpx.model.answers import Kill, Ps
from rpx.model.status import State
from rpx.policy.naming import like, select
from rpx.runs.api_client import ApiClient

KINDS: Final = ("kill", "stop", "hang", "slow")
SLOW_STOPPED, SLOW_RUNNING = 0.09, 0.01  # seconds: the process has a tenth of the time


@dataclass(frozen=True, slots=True)
class Plan:
    """Who will be hit, how, when (seconds after the beginning) and for how long."""

    kind: str
    label: str
    at: float
    lasts: float

    @property
    def sentence(self) -> str:
        """What will be done, as it goes into a sentence."""
        down = f", down for {self.lasts:g} s" if self.lasts else ""
        return {
            "kill": f"SIGKILL to {self.label}{down}",
            "stop": f"SIGTERM to {self.label}{down}",
            "hang": f"{self.label} hangs for {self.lasts:g} s",
            "slow": f"{self.label} gets a tenth of the time for {self.lasts:g} s",
        }[self.kind]


@dataclass(slots=True)
class Struck:
    """What was done: to which process, and when on the clock of the running rpx.

    `replaced`: the process had ended before the damage was over.
    """

    pid: int
    at: float
    replaced: bool = False


def service_rows(backends: Sequence[Ps], name: str) -> list[Ps]:
    """The backends of a service that gets requests. Raises: UsageError."""
    found = [row for row in backends if row.name == name]
    if found and found[0].url is None:
        raise UsageError(
            f"`{name}` gets no requests, so no client would notice its failure",
            hint=_services(backends),
        )
    if not found:
        near = like(name, {row.name for row in backends if row.url is not None})
        raise UsageError(f"there is no service `{name}` here", hint=near + _services(backends))
    return found


def victim(rows: list[Ps], target: str | None) -> Ps:
    """The backend to hit: the one that is named, else one that others can stand in for.

    Raises: RpxError when it isn't in rotation; UsageError when it isn't ours, when no backend has
    this name, or when nobody was named and nobody can stand in.
    """
    name = rows[0].name
    ours = [row for row in rows if not row.external]
    if target is not None:
        [row] = select(rows, target, one=True)
        if row.external:
            raise UsageError(
                f"rpx does not run `{row.label}`: its process was started by somebody else",
                hint=_hint_external(ours),
            )
        return _running(row)
    if not ours:
        raise UsageError(
            f"rpx runs no process of `{name}`: they were started by somebody else",
            hint="give it a `start`, or send load with another tool and use your own `kill`",
        )
    up = [row for row in rows if row.in_rotation]
    candidates = [row for row in up if not row.external]
    if not candidates:
        raise _not_running(ours[-1])
    if len(up) == 1:
        raise UsageError(
            f"`{candidates[0].label}` is alone in rotation: no other backend stands in for it",
            hint=f"to see requests wait, name it: `rpx drill {name} --kill {candidates[0].port}`",
        )
    return candidates[-1]


def _running(row: Ps) -> Ps:
    if not row.in_rotation:
        raise _not_running(row)
    return row


def _not_running(row: Ps) -> RpxError:
    how = "rpx resume-backend" if row.state == State.PAUSED.value else "rpx start"
    return RpxError(
        f"`{row.label}` is not in rotation: it is {row.state}",
        hint=f"bring it in first: `{how} {row.label}`",
    )


async def aim(client: ApiClient, label: str) -> Struck:
    """Find out who serves `label`, by a signal that does nothing to a process that runs."""
    return _struck(await _signal(client, label, "CONT", 0.0))


async def strike(client: ApiClient, plan: Plan, pid: int, now: float) -> Struck:
    """Do it, and return when it is over as far as it is ours: a killed process may still be down.

    `pid` is who serves the backend, `now` the time on rpx's clock. Cancelled or not, a process
    that was stopped goes on. Raises: RpxError when it may not be signalled.
    """
    if plan.kind in ("kill", "stop"):
        name = {"kill": "KILL", "stop": "TERM"}[plan.kind]
        return _struck(await _signal(client, plan.label, name, plan.lasts))
    struck = Struck(pid, now)
    try:
        process = psutil.Process(pid)
        with _going_on_afterwards(process):
            await (
                _hang(process, plan.lasts) if plan.kind == "hang" else _slow(process, plan.lasts)
            )
    except psutil.NoSuchProcess:
        struck.replaced = True
    except psutil.AccessDenied:
        raise RpxError(
            f"process {pid} of `{plan.label}` may not be signalled: it belongs to another user",
            hint="`--kill` and `--stop` leave that to rpx",
        ) from None
    return struck


async def _hang(process: psutil.Process, seconds: float) -> None:
    process.suspend()
    await trio.sleep(seconds)


async def _slow(process: psutil.Process, seconds: float) -> None:
    deadline = trio.current_time() + seconds
    while (now := trio.current_time()) < deadline:
        process.suspend()
        await trio.sleep(min(SLOW_STOPPED, deadline - now))
        process.resume()
        await trio.sleep(SLOW_RUNNING)


@contextmanager
def _going_on_afterwards(process: psutil.Process) -> Iterator[None]:
    """Whatever happens in between: psutil looks whether the number is still the same process."""
    try:
        yield
    finally:
        process.resume()


async def _signal(client: ApiClient, label: str, name: str, down_for: float) -> Kill:
    return await trio.to_thread.run_sync(
        partial(client.kill_backend, label, signal=name, down_for=down_for, restart=True)
    )


def _struck(kill: Kill) -> Struck:
    return Struck(kill.pid, kill.at)


def _services(rows: Sequence[Ps]) -> str:
    names = list(dict.fromkeys(row.name for row in rows if row.url is not None))
    return f"the services of this project are {', '.join(names)}" if names else "there is none here"


def _hint_external(ours: list[Ps]) -> str:
    if not ours:
        return "use your own `kill` while `rpx stats --json` counts"
    return f"rpx runs {', '.join(row.label for row in ours)}"
