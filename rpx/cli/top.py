"""`rpx top`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from rpx.cli.command import Command, Common
from rpx.cli.output import age, json_option, print_table, table
from rpx.cli.ps import state_cell, usage_cells
from rpx.cli.watching import watch

if TYPE_CHECKING:
    from rich.table import Table

EXAMPLES = """\
rpx top                         # CPU and memory of each service, every second
rpx top --json                  # one line of JSON per second, for scripts
"""
Rows = Sequence[dict[str, Any]]


@click.command("top", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def top(common: Common, *, as_json: bool) -> None:
    """Show what each service uses, its child processes included, every second until Ctrl-C."""
    colour = common.colour(sys.stdout)
    client = common.client()
    if as_json:
        watch(client.ps, _print_line)
    elif sys.stdout.isatty():
        from rich.live import Live  # noqa: PLC0415 - not for --json

        from rpx.cli.output import console  # noqa: PLC0415 - see above

        screen = console(sys.stdout, colour=colour, terminal=True)
        with Live(console=screen, auto_refresh=False) as live:
            watch(
                client.ps,
                lambda now, before, passed: live.update(_table(now, before, passed), refresh=True),
            )
    else:
        watch(
            client.ps,
            lambda now, before, passed: _print_again(_table(now, before, passed), colour=colour),
        )
    print("rpx: the project has ended", file=sys.stderr)


def _print_line(now: Rows, before: Rows | None, passed: float) -> None:
    rows = [{**row, "cpu_percent": percent} for row, percent in _rated(now, before, passed)]
    print(json.dumps({"at": round(time.time(), 3), "backends": rows}), flush=True)


def _print_again(filled: Table, *, colour: bool) -> None:
    print_table(filled, colour=colour)
    print(flush=True)


def _table(now: Rows, before: Rows | None, passed: float) -> Table:
    numbers = ["PID", "CPU %", "CPU TIME", "MEMORY", "PROCESSES", "NOW", "RESTARTS", "SINCE"]
    filled = table(["NAME", "BACKEND", "STATE", *numbers], right=numbers)
    for row, percent in _rated(now, before, passed):
        filled.add_row(
            row["name"],
            row["backend"] or "-",
            state_cell(row),
            str(row["pid"] or "-"),
            "-" if percent is None else f"{percent:.1f}",
            *usage_cells(row),
            "-" if row["processes"] is None else str(row["processes"]),
            str(row["in_flight"]) if row["backend"] else "-",
            "-" if row["external"] else str(row["restarts"]),
            age(time.time() - row["since"]),
        )
    return filled


def _rated(
    now: Rows, before: Rows | None, passed: float
) -> Iterator[tuple[dict[str, Any], float | None]]:
    """Each row and its share of one CPU since the last look, 100 for a whole one.

    None for a process that was not there then.
    """
    earlier = {row["label"]: row for row in before or ()}
    for row in now:
        then = earlier.get(row["label"])
        same = then is not None and then["pid"] == row["pid"] and row["cpu"] is not None
        if then is None or not same or then["cpu"] is None or passed <= 0:
            yield row, None
        else:
            yield row, round(max(0.0, row["cpu"] - then["cpu"]) / passed * 100, 1)
