"""`rpx attach`."""

from __future__ import annotations

import sys

import click

from rpx.cli.command import Command, Common
from rpx.cli.commands.logs import LogPrinter, follow_logs
from rpx.cli.terminal.output import say_over
from rpx.runs.api_client import ApiClient
from rpx.runs.history import Wanted
from rpx.runs.lease import find_running

EXAMPLES = """\
rpx attach                      # what `rpx up` shows, of a project in the background
rpx attach --tail 0             # only what comes from now on
"""


@click.command("attach", cls=Command, examples=EXAMPLES)
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Begin with this many lines of each backend and of rpx",
)
@click.pass_obj
def attach(common: Common, *, tail: int) -> int:
    """Show the console of a running project. Ctrl-C leaves, and the project goes on."""
    lease = find_running(None, common.file)
    client = ApiClient(lease)
    labels = [row.label for row in client.ps()]
    printer = LogPrinter(labels, as_json=False, colour=common.colour(sys.stdout))
    wanted = Wanted((), tail, own=True)
    try:
        follow_logs(client, lease, wanted, printer)
    except KeyboardInterrupt:
        say_over(f"rpx: `{lease.name}` goes on (pid {lease.supervisor.pid}); `rpx down` stops it")
    return 0
