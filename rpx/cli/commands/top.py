"""`rpx top`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence

import click

from rpx.cli.command import Command, Common
from rpx.cli.commands.ps import backend_cell, state_cell, usage_cells
from rpx.cli.helpers.polling import poll
from rpx.cli.screen.beginning import can_fill, has_extra, how_to_get, on_a_screen
from rpx.cli.terminal.live import Left, Live, can_draw
from rpx.cli.terminal.output import age, json_option, print_table, say, size, width
from rpx.cli.terminal.table import Column, Table
from rpx.model.answers import Ps, json_of

EXAMPLES = """\
rpx top                         # all copies, their figures and output, and keys to steer them
rpx top --plain                 # CPU and memory of each service, every second, as a table
rpx top --json                  # one line of JSON per second, for scripts
"""
Rows = Sequence[Ps]


COLUMNS = [
    Column("NAME"),
    Column("BACKEND"),
    Column("STATE"),
    Column("PID", right=True),
    Column("CPU %", 1, right=True),
    Column("CPU TIME", 6, right=True),
    Column("MEMORY", 2, right=True),
    Column("PROCESSES", 7, right=True),
    Column("NOW", 3, right=True),
    Column("RESTARTS", 5, right=True),
    Column("SINCE", 4, right=True),
]


@click.command("top", cls=Command, examples=EXAMPLES)
@click.option("--plain", is_flag=True, help="Show the table alone, as without the extra `tui`")
@json_option
@click.pass_obj
def top(common: Common, *, plain: bool, as_json: bool) -> int:
    """Watch and steer a running project on one screen, until `q` or Ctrl-C.

    It shows all copies with their figures, and what the chosen one prints; keys restart, stop,
    kill, pause and scale; `?` lists them. This needs the extra `tui`: pip install 'rpx-dev[tui]'.

    Without it, or with --plain, the table is all: what each service uses, its child processes
    included, every second. Where stdout is no terminal, one table comes after the other.
    """
    colour = common.colour(sys.stdout)
    if not (as_json or plain) and can_fill() and has_extra():
        return on_a_screen(common.lease(), colour=colour)
    client = common.client()
    if as_json:
        poll(client.ps, _print_line)
    elif can_draw():
        hint = "" if plain or has_extra() else f"; `{how_to_get()}` adds output and keys"
        try:
            with Live() as live:
                poll(
                    client.ps,
                    lambda *found: live.show(lambda: _picture(*found, hint=hint, colour=colour)),
                    live.wait,
                )
        except Left as left:
            return left.code
    else:
        poll(
            client.ps,
            lambda now, before, passed: _print_again(_table(now, before, passed), colour=colour),
        )
    say("rpx: the project has ended")
    return 0


def _print_line(now: Rows, before: Rows | None, passed: float) -> None:
    rows = [
        {**json_of(row), "cpu_percent": percent} for row, percent in _rated(now, before, passed)
    ]
    print(json.dumps({"at": round(time.time(), 3), "backends": rows}), flush=True)


def _print_again(filled: Table, *, colour: bool) -> None:
    print_table(filled, colour=colour)
    print(flush=True)


def _picture(
    now: Rows, before: Rows | None, passed: float, *, hint: str, colour: bool
) -> list[str]:
    """The table, and all of it together."""
    filled = _table(now, before, passed).lines(width(), colour=colour)
    percents = [percent for _, percent in _rated(now, before, passed) if percent is not None]
    memory = sum(row.memory or 0 for row in now)
    count = sum(row.processes or 0 for row in now)
    processes = "1 process" if count == 1 else f"{count} processes"
    total = f"{sum(percents):.1f} % CPU, {size(memory)}, {processes}"
    return [*filled, "", f"{total}; q quits{hint}"]


def _table(now: Rows, before: Rows | None, passed: float) -> Table:
    filled = Table(COLUMNS)
    for row, percent in _rated(now, before, passed):
        filled.add(
            row.name,
            backend_cell(row),
            state_cell(row),
            str(row.pid or "-"),
            "-" if percent is None else f"{percent:.1f}",
            *usage_cells(row),
            "-" if row.processes is None else str(row.processes),
            str(row.in_flight) if row.backend else "-",
            "-" if row.external else str(row.restarts),
            age(time.time() - row.since),
        )
    return filled


def _rated(now: Rows, before: Rows | None, passed: float) -> Iterator[tuple[Ps, float | None]]:
    """Each row and its share of one CPU since the last look, 100 for a whole one.

    None for a process that was not there then.
    """
    earlier = {row.label: row for row in before or ()}
    for row in now:
        then = earlier.get(row.label)
        if (
            then is None
            or then.pid != row.pid
            or then.cpu is None
            or row.cpu is None
            or passed <= 0
        ):
            yield row, None
        else:
            yield row, round(max(0.0, row.cpu - then.cpu) / passed * 100, 1)
