"""`rpx projects`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from typing import Final

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.running_projects import RunningProject, running_projects
from rpx.cli.terminal.output import age, json_option, print_json, print_table, say
from rpx.cli.terminal.table import NONE, Cell, Column, Table
from rpx.doctor.holders import strangers_at, what_then
from rpx.door.roster import Roster, read_roster
from rpx.door.starting import door_place
from rpx.model.answers import json_of

EXAMPLES = """\
rpx projects                    # a table, and who has the ports
rpx projects --json             # the same for scripts
rpx down -f FILE                # stops one of them, also where FILE is gone
"""
SHOWN: Final = 2  # URLs of a project in the table


@click.command("projects", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def projects(common: Common, *, as_json: bool) -> None:
    """List every running project of yours, wherever its folder is, or was.

    Below the table is who has the ports that they share.
    """
    roster = read_roster(door_place())
    rows = running_projects(roster)
    if as_json:
        print_json([json_of(row) for row in rows])
        return
    if rows:
        print_table(_table(rows), colour=common.colour(sys.stdout))
    else:
        say("no project runs")
    _say_of_ports(roster)


def _table(rows: Sequence[RunningProject]) -> Table:
    """What nobody has is no column."""
    realms, branches = any(row.realm for row in rows), any(row.branch for row in rows)
    columns = [
        Column("NAME"),
        Column("PID", right=True),
        Column("SINCE", 5, right=True),
        Column("STATE", 3),
        *([Column("REALM", 4)] if realms else []),
        Column("URL", 2),
        *([Column("BRANCH", 6)] if branches else []),
        Column("FILE", 1),
    ]
    filled = Table(columns)
    for row in rows:
        filled.add(
            row.name,
            str(row.pid),
            age(time.time() - row.since),
            row.state or NONE,
            *([row.realm or NONE] if realms else []),
            _url(row),
            *([row.branch or NONE] if branches else []),
            _file(row),
        )
    return filled


def _url(row: RunningProject) -> Cell:
    more = len(row.urls) - SHOWN
    text = " ".join([*row.urls[:SHOWN], *([f"+{more}"] if more > 0 else [])])
    short = " ".join([*row.urls[:1], *([f"+{len(row.urls) - 1}"] if row.urls[1:] else [])])
    return Cell(text or NONE, short)


def _file(row: RunningProject) -> Cell:
    gone = (
        "" if row.file_exists else "  (gone)" if row.folder_exists else "  (gone), and its folder"
    )
    home = os.path.expanduser("~/")
    short = row.file.replace(home, "~/", 1) if row.file.startswith(home) else row.file
    return Cell(row.file + gone, short + gone)


def _say_of_ports(roster: Roster | None) -> None:
    """Who has those that all projects share, and who has those that they would have."""
    if roster is not None and (ports := [port for port in (roster.http, roster.https) if port]):
        since = age(time.time() - roster.since)
        say(
            f"port{'s' if ports[1:] else ''} {' and '.join(map(str, ports))}: the door of your"
            f" projects (pid {roster.pid}, rpx {roster.version}, since {since})"
        )
    for port, who in strangers_at(roster).items():
        say(f"port {port}: {who}; {what_then(port)}")
