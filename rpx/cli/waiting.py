"""`rpx up --wait`: until all is ready, saying what for, or why that won't come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rpx.cli.output import quoted, say
from rpx.control.client import Client
from rpx.control.lease import Lease, find_running
from rpx.errors import Exit, Problem, RpxError, TookTooLong

LOOK = 0.1  # seconds between two looks
AGAIN = 5.0  # seconds after which the same is said once more
SETTLED = 1.0  # seconds that a process which shows nothing has to stay up: most crashes are earlier
THERE = frozenset({"ready", "completed", "paused"})

Row = dict[str, Any]


def say_where_it_is(file: Path | None) -> Lease:
    """Tell that a project runs in the background, and how to get at it."""
    lease = find_running(Path.cwd(), file)
    at = f", {lease.url}" if lease.url else ""
    say(f"rpx: `{lease.name}` runs in the background (pid {lease.supervisor.pid}){at}")
    return lease


def wait_until_ready(lease: Lease, timeout: float) -> int:
    """Return 0 once every process of ours is ready or has completed.

    One that was stopped is not waited for. Raises RpxError when one has failed or waits for what
    will not come by itself or when the project ends, TookTooLong when the time is over.
    """
    deadline = time.monotonic() + timeout
    said, due = "", 0.0
    client = Client(lease)
    while True:
        rows = _rows(client, lease)
        own = [row for row in rows if not row["served_by"]]
        if failed := [row for row in own if row["state"] == "failed"]:
            raise _failure(failed)
        if stuck := [row for row in own if _hopeless(row)]:
            raise _stuck(stuck)
        left = _left(rows, time.time())
        if not left:
            say("rpx: all is ready")
            return Exit.FINE
        text = ", ".join(map(_described, left))
        if time.monotonic() > deadline:
            raise TookTooLong(
                f"not ready after {timeout:g} s: {text}",
                hint="it goes on in the background; `rpx down` stops it",
            )
        if text != said or time.monotonic() > due:
            say(f"rpx: waiting for {text}")
            said, due = text, time.monotonic() + AGAIN
        time.sleep(LOOK)


def _rows(client: Client, lease: Lease) -> list[Row]:
    try:
        return [row for row in client.ps() if not row["external"]]
    except TookTooLong:
        raise
    except RpxError:  # nobody listens any more, or it has just ended in the middle
        raise RpxError(
            f"`{lease.name}` has ended before all was ready", hint="see `rpx logs rpx`"
        ) from None


def _left(rows: Sequence[Row], now: float) -> list[Row]:
    """Who is to be waited for. If all are down they are just about to begin."""
    if all(row["state"] == "stopped" for row in rows):
        return list(rows)
    return [row for row in rows if row["state"] not in {*THERE, "stopped"} or _just_began(row, now)]


def _just_began(row: Row, now: float) -> bool:
    """Whether it is ready only because it runs: one that crashes at once was so, too."""
    return row["state"] == "ready" and row["backend"] is None and now - row["since"] < SETTLED


def _hopeless(row: Row) -> list[str]:
    """Of what it waits for, that which will not come by itself."""
    return [each["name"] for each in row["waiting_for"] if each["hopeless"]]


def _described(row: Row) -> str:
    if row["state"] == "ready":
        return f"{row['label']} (has just begun)"
    if names := [each["name"] for each in row["waiting_for"]]:
        return f"{row['label']} (waiting for {' and '.join(names)})"
    why = f": {row['last_error']}" if row["last_error"] else ""
    return f"{row['label']} ({row['state']}{why})"


def _stuck(rows: Sequence[Row]) -> RpxError:
    """Nobody has failed, but somebody was stopped, and others can't do without."""
    error = RpxError("a service cannot start")
    error.problems = tuple(
        Problem(
            f"`{row['label']}` does not start: it waits for "
            + " and ".join(f"{each['name']} ({each['why']})" for each in row["waiting_for"]),
            hint=f"`rpx start {' '.join(_hopeless(row))}`, or stop all: `rpx down`",
        )
        for row in rows
    )
    return error


def _failure(failed: Sequence[Row]) -> RpxError:
    error = RpxError("a service has failed")
    error.problems = tuple(map(_problem, failed))
    return error


def _problem(row: Row) -> Problem:
    label, texts = row["label"], quoted(row["last_lines"])
    return Problem(
        f"backend `{label}` {row['last_error']}",
        excerpt="\n".join(["  last output:", *texts] if texts else []),
        hint="the others go on in the background; mend it and `rpx start "
        f"{label}`, or stop all: `rpx down`",
    )
