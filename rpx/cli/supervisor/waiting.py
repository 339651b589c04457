"""`rpx up --wait`: until all is ready, saying what for, or why that won't come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rpx.cli.terminal.output import quoted, say, say_over
from rpx.cli.terminal.progress import SILENT, Progress
from rpx.errors import Exit, Problem, RpxError, TookTooLong
from rpx.model.answers import Ps, Wait
from rpx.model.status import State
from rpx.runs.all_ready import BEGUN, still_awaited, waiting_for, without_hope
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import Lease, find_running

GOES_ON = "`rpx attach` shows it, `rpx down` stops it"
LOOK = 0.1  # seconds between two looks
LOOK_CLOSER = 0.5  # and between two looks at the reasons


def say_where_it_is(file: Path | None) -> Lease:
    """Tell that a project runs in the background, and how to get at it."""
    lease = find_running(None, file)
    at = f", {lease.url}" if lease.url else ""
    say(f"rpx: `{lease.name}` runs in the background (pid {lease.supervisor.pid}){at}")
    return lease


def wait_until_ready(lease: Lease, timeout: float) -> int:
    """Return 0 once every process of ours is ready or has completed, within so many seconds.

    One that was stopped is not waited for. Nor is an external one, which is named if it doesn't
    answer. Raises: RpxError when one has failed or waits for what will not come by itself or when
    the project ends, TookTooLong when the time is over.
    """
    try:
        return _wait(lease, timeout)
    except KeyboardInterrupt:
        say_over(f"rpx: `{lease.name}` goes on in the background: {GOES_ON}")
        raise


def _wait(lease: Lease, timeout: float) -> int:
    client = ApiClient(lease)
    waited = WaitReport(client)
    while True:
        every = _rows(client, lease)
        rows = [row for row in every if not row.external]
        own = [row for row in rows if row.own]
        if failed := [row for row in own if row.state == State.FAILED.value]:
            raise _failure(failed, own)
        if any(map(without_hope, own)):
            raise _stuck(own)
        away = [row for row in every if row.external and row.state == State.UNHEALTHY.value]
        not_asked = [row for row in away if not row.last_error]
        left = still_awaited(rows, time.time(), early=waited.lasts < BEGUN) or not_asked
        if not left:
            _say_the_end(away, own)
            return Exit.FINE
        if waited.lasts > timeout:
            raise _too_long(timeout, left, client)
        waited.tell(rows, left)
        time.sleep(LOOK)


def _say_the_end(away: Sequence[Ps], own: Sequence[Ps]) -> None:
    if own and all(row.state == State.STOPPED.value for row in own):
        say(f"rpx: nobody has asked for {', '.join(row.label for row in own)}: see `rpx start`")
    else:
        say(f"rpx: all {'that rpx starts ' * bool(away)}is ready")
    for row in away:
        say(f"rpx: {row.label} does not answer ({row.last_error}): rpx does not start it")


class WaitReport:
    """What is said meanwhile: who is waited for, once; then what is new, a line for each."""

    def __init__(self, client: ApiClient) -> None:
        self._client = client
        self._began = time.monotonic()
        self._due = SILENT  # since then
        self._left: dict[str, None] | None = None  # labels
        self._progress = Progress("rpx: waiting for ")

    @property
    def lasts(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def tell(self, rows: Sequence[Ps], left: Sequence[Ps]) -> None:
        """Say what has changed."""
        labels = dict.fromkeys(row.label for row in left)
        if self._left is None:
            say(f"rpx: waiting for {', '.join(labels)}")
        elif self.lasts > SILENT:
            for row in rows:
                if row.label in self._left and row.label not in labels:
                    verb = "has" if row.state == State.COMPLETED.value else "is"
                    say(f"rpx: {row.label} {verb} {row.state}")
        self._left = labels
        if self.lasts > self._due:
            self._due = self.lasts + LOOK_CLOSER
            self._progress.tell(_reasons(self._client))


def _reasons(client: ApiClient) -> list[Wait]:
    """Who is on the way up, and why it isn't there: whoever waits for another is not the reason."""
    try:
        waits = client.waits()
    except RpxError:  # it ends: that is for the next look
        return []
    return [wait for wait in waits if wait.state != State.WAITING.value] or waits


def _too_long(timeout: float, left: Sequence[Ps], client: ApiClient) -> TookTooLong:
    labels = [row.label for row in left]
    error = TookTooLong(f"not ready after {timeout:g} s: {', '.join(labels)}")
    reasons = [f"  {wait.sentence}" for wait in _reasons(client) if wait.label in labels]
    hint = "the project goes on in the background; `rpx down` stops it"
    error.problems = (Problem(error.problems[0].what, "", "\n".join(reasons), hint),)
    return error


def _rows(client: ApiClient, lease: Lease) -> list[Ps]:
    try:
        return client.ps()
    except TookTooLong:
        raise
    except RpxError:  # nobody listens any more, or it has just ended in the middle
        raise RpxError(
            f"`{lease.name}` has ended before all was ready", hint="see `rpx logs rpx`"
        ) from None


def _stuck(rows: Sequence[Ps]) -> RpxError:
    """Nobody has failed, but somebody was stopped, and others can't do without.

    Whoever it is, is named once: what the others wait for may wait itself.
    """
    there = {row.name: row for row in rows if row.state != State.WAITING.value}
    roots: dict[str, str] = {}
    for row in rows:
        for each in row.waiting_for:
            if each.hopeless and not _waits(each.name, rows):
                root = there.get(each.name)
                why = f"{root.state}: {root.last_error}" if root else each.why
                roots[each.name] = why.removesuffix(": ")
    error = RpxError("a service cannot start")
    error.problems = tuple(
        Problem(
            f"`{name}` is {why}; {_those(waiting_for(name, rows))} for it",
            hint=f"`rpx start {name}`, or stop all: `rpx down`",
        )
        for name, why in roots.items()
    ) or (Problem("a service waits for another one that will not start", hint="see `rpx ps`"),)
    return error


def _waits(name: str, rows: Sequence[Ps]) -> bool:
    return any(row.name == name and row.state == State.WAITING.value for row in rows)


def _those(labels: Sequence[str]) -> str:
    named = ", ".join(f"`{label}`" for label in labels)
    return f"{named} wait{'s' * (len(labels) == 1)}"


def _failure(failed: Sequence[Ps], rows: Sequence[Ps]) -> RpxError:
    error = RpxError("a service has failed")
    error.problems = tuple(_problem(row, waiting_for(row.name, rows)) for row in failed)
    return error


def _problem(row: Ps, others: Sequence[str]) -> Problem:
    label, texts = row.label, quoted(row.last_lines)
    more = f"; {_those(others)} for it" if others else ""
    return Problem(
        f"backend `{label}` {row.last_error}{more}",
        excerpt="\n".join(["  last output:", *texts] if texts else []),
        hint="the others go on in the background; mend it and `rpx start "
        f"{label}`, or stop all: `rpx down`",
    )
