"""`rpx stats`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from rpx.cli.command import Command, Common
from rpx.cli.output import json_option, print_json, print_table, width
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
@click.option("--watch", is_flag=True, help="Look again every second, until Ctrl-C")
@json_option
@click.pass_obj
def stats(common: Common, *, watch: bool, as_json: bool) -> None:
    """Show how many requests each backend answered, how many went wrong, and how long they took."""
    colour = common.colour(sys.stdout)
    client = common.client()
    if not watch:
        figures = client.stats()
        if as_json:
            print_json(figures)
        else:
            from rpx.cli.figures import stats_table  # noqa: PLC0415 - rich, not for --json

            print_table(stats_table(figures, width(), None), colour=colour)
    elif as_json:
        _watch(client, _print_line)
    elif sys.stdout.isatty():
        _watch_in_place(client, colour=colour)
    else:
        _watch(client, lambda now, rates: _print_again(now, rates, colour=colour))
    if watch:
        print("rpx: the project has ended", file=sys.stderr)


def _watch(client: Client, show: Show) -> None:
    """Show the figures every second, until the project has ended."""
    from rpx.cli.figures import rates_between  # noqa: PLC0415 - see above

    def rated(now: Stats, before: Stats | None, passed: float) -> None:
        show(now, {} if before is None else rates_between(before, now, passed))

    watch_project(client.stats, rated)


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
    from rpx.cli.figures import stats_table  # noqa: PLC0415 - see above

    print_table(stats_table(now, width(), rates), colour=colour)
    print(flush=True)


def _watch_in_place(client: Client, *, colour: bool) -> None:
    from rich.live import Live  # noqa: PLC0415 - see above

    from rpx.cli.figures import stats_table  # noqa: PLC0415 - see above
    from rpx.cli.output import console  # noqa: PLC0415 - see above

    screen = console(sys.stdout, colour=colour, terminal=True)
    with Live(console=screen, auto_refresh=False) as live:
        _watch(
            client, lambda now, rates: live.update(stats_table(now, width(), rates), refresh=True)
        )
