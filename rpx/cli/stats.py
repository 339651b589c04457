"""`rpx stats`."""

from __future__ import annotations

import sys

import click

from rpx.cli.command import Command, Common
from rpx.cli.output import json_option, print_json, print_table, table

EXAMPLES = """\
rpx stats                       # a table
rpx stats --json                # {host: {"host:port": {requests, errors, avgLatency}}}
"""


@click.command("stats", cls=Command, examples=EXAMPLES)
@json_option
@click.pass_obj
def stats(common: Common, *, as_json: bool) -> None:
    """Show how many requests each backend answered, how many went wrong, and how long they took."""
    with common.client() as client:
        figures = client.stats()
    if as_json:
        print_json(figures)
        return
    numbers = ["REQUESTS", "ERRORS", "AVG LATENCY"]
    filled = table(["HOST", "BACKEND", *numbers], right=numbers)
    for host, backends in figures.items():
        for backend, row in backends.items():
            latency = f"{row['avgLatency']:.1f} ms" if row["requests"] else "-"
            filled.add_row(
                host, backend, str(int(row["requests"])), str(int(row["errors"])), latency
            )
    print_table(filled, colour=common.colour(sys.stdout))
