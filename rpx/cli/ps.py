"""`rpx ps`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from rich.text import Text

from rpx.cli.command import Command, Common
from rpx.cli.output import age, json_option, print_json, print_table, quoted, size, table

EXAMPLES = """\
rpx ps                          # a table
rpx ps --json                   # the same, and more, for scripts
"""

COLOURS = {
    "ready": "green",
    "unhealthy": "red",
    "failed": "red",
    "backoff": "yellow",
    "waiting": "yellow",
    "starting": "yellow",
    "paused": "yellow",
    "draining": "yellow",
    "stopping": "yellow",
}


@click.command("ps", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def ps(common: Common, *, as_json: bool) -> None:
    """Show every backend: its state, process with CPU time and memory of all that it has started,
    restarts, since when, and its URL; of those that have failed also why, and their last words.
    """
    client = common.client()
    rows = client.ps()
    if as_json:
        print_json(rows)
        return
    numbers = ["PID", "CPU TIME", "MEMORY", "RESTARTS", "SINCE"]
    filled = table(["NAME", "BACKEND", "STATE", *numbers, "ROTATION", "URL"], right=numbers)
    for row in rows:
        filled.add_row(*_cells(row, time.time()))
    print_table(filled, colour=common.colour(sys.stdout))
    for row in rows:
        if row["state"] == "failed":
            print(
                "\n".join(["", f"{row['label']} {row['last_error']}", *quoted(row["last_lines"])])
            )


def state_cell(row: dict[str, Any]) -> Text:
    """The state, in its colour, and what is waited for."""
    state = f"{row['state']} (external)" if row["external"] else row["state"]
    if row["waiting_for"]:
        state += " for " + ", ".join(each["name"] for each in row["waiting_for"])
    return Text(state, style=COLOURS.get(row["state"], ""))


def usage_cells(row: dict[str, Any]) -> tuple[str, str]:
    """CPU time and memory of the whole tree of processes."""
    if row["memory"] is None:
        return "-", "-"
    return f"{row['cpu']:.1f}s", size(row["memory"])


def _cells(row: dict[str, Any], now: float) -> list[str | Text]:
    return [
        row["name"],
        row["backend"] or "-",
        state_cell(row),
        str(row["pid"] or "-"),
        *usage_cells(row),
        "-" if row["external"] else str(row["restarts"]),
        age(now - row["since"]),
        ("in" if row["in_rotation"] else "out") if row["backend"] else "-",
        row["url"] or "-",
    ]
