"""`rpx stats`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from rpx.cli.at_tab.offered import ROWS
from rpx.cli.command import Command, Common
from rpx.cli.helpers.polling import poll
from rpx.cli.terminal.live import Left, Live, can_draw
from rpx.cli.terminal.output import json_option, print_json, print_table, say, width
from rpx.cli.terminal.stats_table import rates_between, stats_table
from rpx.runs.chosen import chosen_places

if TYPE_CHECKING:
    from rpx.cli.terminal.stats_table import Rates, Stats
    from rpx.runs.api_client import ApiClient

EXAMPLES = """\
rpx stats                       # a table
rpx stats api                   # only its copies
rpx stats --watch               # the same, every second, with rates; until Ctrl-C
rpx stats --json                # {host: {"host:port": {requests, errors, avgLatency, …}}}
"""

Look = Callable[[], "Stats"]
Show = Callable[["Stats", "Mapping[str, Mapping[str, Rates]]"], None]


@click.command("stats", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="[NAME…]", nargs=-1, type=ROWS)
@click.option("--watch", is_flag=True, help="Look again every second, until `q` or Ctrl-C")
@json_option
@click.pass_obj
def stats(common: Common, names: tuple[str, ...], *, watch: bool, as_json: bool) -> int:
    """Show how many requests each backend answered, how many went wrong, and how long they took.

    NAME is a service, a backend, a route or a host.
    """
    colour = common.colour(sys.stdout)
    client = common.client()
    look = partial(_look, client, names)
    if not watch:
        figures = look()
        if as_json:
            print_json(figures)
        else:
            print_table(stats_table(figures, None), colour=colour)
    elif as_json:
        _poll(look, _print_line)
    elif can_draw():
        try:
            _poll_in_place(look, colour=colour)
        except Left as left:
            return left.code
    else:
        _poll(look, lambda now, rates: _print_again(now, rates, colour=colour))
    if watch:
        say("rpx: the project has ended")
    return 0


def _look(client: ApiClient, names: Sequence[str]) -> Stats:
    stats = client.stats()
    return chosen_places(stats, client.ps(routes=True), names) if names else stats


def _poll(look: Look, show: Show, wait: Callable[[float], None] = time.sleep) -> None:
    """Show the figures every second, until the project has ended."""

    def rated(now: Stats, before: Stats | None, passed: float) -> None:
        show(now, {} if before is None else rates_between(before, now, passed))

    poll(look, rated, wait)


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


def _poll_in_place(look: Look, *, colour: bool) -> None:
    with Live(keep=True) as live:
        _poll(
            look,
            lambda now, rates: live.show(
                lambda: stats_table(now, rates).lines(width(), colour=colour)
            ),
            live.wait,
        )
