"""`rpx ps`."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click

from rpx.cli.at_tab.offered import ROWS
from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import age, fitted, json_option, print_json, print_table, quoted, size
from rpx.cli.terminal.table import Cell, Column, Table
from rpx.errors import visible
from rpx.model.answers import Ps, json_of
from rpx.model.status import State
from rpx.policy.naming import Named
from rpx.runs.chosen import chosen

EXAMPLES = """\
rpx ps                          # a table
rpx ps api                      # only the copies of api
rpx ps -q api                   # their names alone: api:3000, api:3001
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


COLUMNS = [
    Column("NAME"),
    Column("BACKEND"),
    Column("STATE"),
    Column("PID", right=True),
    Column("CPU TIME", 6, right=True),
    Column("MEMORY", 5, right=True),
    Column("RESTARTS", 4, right=True),
    Column("SINCE", 1, right=True),
    Column("ROTATION", 3),
    Column("URL", 2),
]
ROUTES = [Column("ROUTE"), Column("WHERE"), Column("DOES")]


@click.command("ps", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="[NAME…]", nargs=-1, type=ROWS)
@click.option(
    "-q", "--quiet", is_flag=True, help="Print only names, as the other commands take them"
)
@json_option
@click.pass_obj
def ps(common: Common, names: tuple[str, ...], *, quiet: bool, as_json: bool) -> None:
    """Show every backend: its state and since when, its process, the CPU time and memory of that
    process and its children, how often it was restarted, and its URL. Below the table stands why a
    backend has failed, with the last lines that it printed. A second table has what answers without
    backends of its own: files, redirects, fixed answers, and routes to backends of another entry.
    """
    everything = chosen(common.client().ps(routes=True), names)
    rows = [row for row in everything if row.does is None]
    if quiet:
        print("".join(f"{visible(row.label)}\n" for row in rows), end="")
        return
    if as_json:
        print_json([json_of(row) for row in everything])
        return
    routes = [row for row in everything if row.does is not None]
    colour = common.colour(sys.stdout)
    if rows or not routes:
        filled = Table(COLUMNS)
        for row in rows:
            filled.add(*_cells(row, time.time()))
        print_table(filled, colour=colour)
    if routes:
        _print_routes(routes, below=bool(rows), colour=colour)
    for row in rows:
        if row.state == State.FAILED.value:
            why = visible(f"{row.label} {row.last_error}")
            print("\n".join(["", *fitted(why), *quoted(row.last_lines)]))


def _print_routes(rows: Sequence[Ps], *, below: bool, colour: bool) -> None:
    """What has no backends of its own; then why one can't answer."""
    filled = Table(ROUTES)
    for row in rows:
        does = f" {row.does}".replace(f" {Path.cwd()}/", " ./").strip()
        short = re.sub(r"\S*/(?=[^/\s])", "", does) if "files in" in does else does
        style = "" if row.state == State.READY.value else COLOURS.get(row.state, "")
        filled.add(row.name, row.place or "-", Cell(does, short, style))
    print("\n" * below, end="")
    print_table(filled, colour=colour)
    for row in rows:
        if row.last_error:
            print("\n".join(["", *fitted(visible(f"{row.name}: {row.last_error}"))]))


def backend_cell(row: Named) -> Cell:
    """Where it listens; the port alone says the same for one of this machine. What is written goes
    before what rpx has chosen instead.
    """
    if row.backend is None and row.ports:
        first, *rest = row.ports
        cell = _address_cell(f"localhost:{first.known}", first.port)
        more = "".join(f", {each.known}" for each in rest)
        return Cell(f"{cell.text}{more}", cell.short)
    return _address_cell(row.backend, row.port)


def _address_cell(backend: str | None, port: int | None) -> Cell:
    text = backend or "-"
    if port is not None and not text.endswith(f":{port}"):
        text += f" ({port})"
    return Cell(text, text.removeprefix("localhost:"))


def state_cell(row: Ps) -> Cell:
    """The state, in its colour, and what is waited for."""
    state = f"{row.state} (external)" if row.external else row.state
    if row.waiting_for:
        state += " for " + ", ".join(each.name for each in row.waiting_for)
    return Cell(state, row.state, COLOURS.get(row.state, ""))


def usage_cells(row: Ps) -> tuple[str, str]:
    """CPU time and memory of the whole tree of processes."""
    if row.memory is None:
        return "-", "-"
    return f"{row.cpu:.1f}s", size(row.memory)


def _cells(row: Ps, now: float) -> list[str | Cell]:
    return [
        row.name,
        backend_cell(row),
        state_cell(row),
        str(row.pid or "-"),
        *usage_cells(row),
        "-" if row.external else str(row.restarts),
        age(now - row.since),
        ("in" if row.in_rotation else "out") if row.backend else "-",
        row.url or "-",
    ]
