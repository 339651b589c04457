"""`rpx stats`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from rpx.cli.command import Command, Common
from rpx.cli.figures import rates_between, stats_table
from rpx.cli.live import Left, Live, can_draw
from rpx.cli.output import json_option, print_json, print_table, say, width
from rpx.cli.watching import watch as watch_project

if TYPE_CHECKING:
    from rpx.cli.figures import Rates, Stats
    from rpx.control.client import Client

EXAMPLES = """\
rpx stats                       # a table
rpx stats --watch               # the same, every second, with rates; until Ctrl-C
rpx stats --json                # {host: {"host:port": {requests, errors, avgLatency, …}}}
"""

Show = Callable[["Stats", "Mapping[str, Mapping[str, Rates]]"], None]


@click.command("stats", cls=Command, examples=EXAMPLES)
@click.option("--watch", is_flag=True, help="Look again every second, until `q` or Ctrl-C")
@json_option
@click.pass_obj
def stats(common: Common, *, watch: bool, as_json: bool) -> int:
    """Show how many requests each backend answered, how many went wrong, and how long they took."""
    colour = common.colour(sys.stdout)
    client = common.client()
    if not watch:
        figures = client.stats()
        if as_json:
            print_json(figures)
        else:
            print_table(stats_table(figures, None), colour=colour)
    elif as_json:
        _watch(client, _print_line)
    elif can_draw():
        try:
            _watch_in_place(client, colour=colour)
        except Left as left:
            return left.code
    else:
        _watch(client, lambda now, rates: _print_again(now, rates, colour=colour))
    if watch:
        say("rpx: the project has ended")
    return 0


def _watch(client: Client, show: Show, wait: Callable[[float], None] = time.sleep) -> None:
    """Show the figures every second, until the project has ended."""

    def rated(now: Stats, before: Stats | None, passed: float) -> None:
        show(now, {} if before is None else rates_between(before, now, passed))

    watch_project(client.stats, rated, wait)


def _print_line(now: Stats, rates: Mapping[str, Mapping[str, Rates]]) -> None:
    line = {
        host: {
            backend: {**row, "rates": rates.get(host, {}).get(backend)}
            for backend, row in backends.items()
        }
        for host, backends in now.items()
    }
    print(json.dumps(line), flush=True)


def _print_again(now: Stats, rates: Mapping[str, Mapping[str, Rates]], *, colour: bool) -> None:
    print_table(stats_table(now, rates), colour=colour)
    print(flush=True)


def _watch_in_place(client: Client, *, colour: bool) -> None:
    with Live(keep=True) as live:
        _watch(
            client,
            lambda now, rates: live.show(
                lambda: stats_table(now, rates).lines(width(), colour=colour)
            ),
            live.wait,
        )
