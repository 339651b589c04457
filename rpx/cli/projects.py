"""`rpx projects`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from rpx.cli.command import Command, Common
from rpx.cli.output import age, json_option, print_json, print_table, table
from rpx.control.lease import Lease, all_running

EXAMPLES = """\
rpx projects                    # a table
rpx projects --json             # the same for scripts
rpx down -f FILE                # stops one of them, also where FILE is gone
"""


@click.command("projects", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def projects(common: Common, *, as_json: bool) -> None:
    """List every running project of yours, wherever its folder is, or was."""
    rows = [_row(lease) for lease in all_running()]
    if as_json:
        print_json(rows)
        return
    filled = table(["NAME", "PID", "SINCE", "URL", "FILE"], right=["PID", "SINCE"])
    for row in rows:
        gone = "" if row["file_exists"] else "  (gone)"
        since = age(time.time() - row["since"])
        filled.add_row(row["name"], str(row["pid"]), since, row["url"] or "-", row["file"] + gone)
    print_table(filled, colour=common.colour(sys.stdout))


def _row(lease: Lease) -> dict[str, Any]:
    return {
        "name": lease.name,
        "pid": lease.supervisor.pid,
        "since": lease.supervisor.created,
        "url": lease.url,
        "file": str(lease.config),
        "file_exists": lease.config.exists(),
    }
