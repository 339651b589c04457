"""`rpx projects`."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass

import click

from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import age, json_option, print_json, print_table, say
from rpx.cli.terminal.table import Cell, Column, Table
from rpx.model.answers import json_of
from rpx.runs.lease import Lease, all_running

EXAMPLES = """\
rpx projects                    # a table
rpx projects --json             # the same for scripts
rpx down -f FILE                # stops one of them, also where FILE is gone
"""


COLUMNS = [
    Column("NAME"),
    Column("PID", right=True),
    Column("SINCE", 3, right=True),
    Column("URL", 2),
    Column("FILE", 1),
]


@dataclass(frozen=True, slots=True)
class RunningProject:
    """One project, as `rpx projects --json` has it. `since` is seconds since the epoch."""

    name: str
    pid: int
    since: float
    url: str | None
    socket: str
    file: str
    file_exists: bool


@click.command("projects", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def projects(common: Common, *, as_json: bool) -> None:
    """List every running project of yours, wherever its folder is, or was."""
    rows = [_row(lease) for lease in all_running()]
    if as_json:
        print_json([json_of(row) for row in rows])
        return
    if not rows:
        say("no project runs")
        return
    filled = Table(COLUMNS)
    for row in rows:
        since = age(time.time() - row.since)
        filled.add(row.name, str(row.pid), since, row.url or "-", _file(row))
    print_table(filled, colour=common.colour(sys.stdout))


def _file(row: RunningProject) -> Cell:
    gone = "" if row.file_exists else "  (gone)"
    home = os.path.expanduser("~/")
    short = row.file.replace(home, "~/", 1) if row.file.startswith(home) else row.file
    return Cell(row.file + gone, short + gone)


def _row(lease: Lease) -> RunningProject:
    return RunningProject(
        name=lease.name,
        pid=lease.supervisor.pid,
        since=lease.supervisor.created,
        url=lease.url,
        socket=str(lease.socket),
        file=str(lease.config),
        file_exists=os.path.exists(lease.config),
    )
