"""Give an order about backends, and say what came of it: one shape for five commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rpx.cli.at_tab.offered import SERVICES
from rpx.cli.command import Common
from rpx.cli.terminal.output import print_json
from rpx.cli.terminal.progress import reporting
from rpx.errors import RpxError, visible
from rpx.model.answers import json_of
from rpx.model.status import AT_REST, State

if TYPE_CHECKING:
    from rpx.runs.api_client import ApiClient

names_argument = click.argument("names", metavar="NAME…", nargs=-1, required=True, type=SERVICES)
some_names_argument = click.argument("names", metavar="[NAME…]", nargs=-1, type=SERVICES)
DOWN = frozenset(state.value for state in AT_REST)
GOES_ON = "what was asked for goes on in the background; `rpx ps` shows how far it is"


def give_order(common: Common, verb: str, names: tuple[str, ...], *, as_json: bool) -> int:
    """Ask for `verb` of these backends, or of all that it concerns. Return the exit code."""
    client = common.client()
    names = names or _all(client, verb)
    with reporting(client, names, GOES_ON):
        outcomes = client.order(verb, names)
    if as_json:
        print_json([json_of(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            print(visible(outcome.sentence))
    return next((o.exit_code for o in outcomes if o.exit_code), 0)


def _all(client: ApiClient, verb: str) -> tuple[str, ...]:
    """Whom the command means without a name: of rpx's own, those to whom it makes a difference.

    Raises: RpxError when there is nobody. A oneshot that has done its work is left alone.
    """
    rows = [row for row in client.ps() if row.own]
    wanted = (State.STOPPED.value, State.FAILED.value) if verb == "start" else ()
    names = [
        row.label for row in rows if (row.state in wanted if wanted else row.state not in DOWN)
    ]
    if not names:
        raise RpxError(f"there is nothing to {verb}", hint="`rpx ps` shows the states")
    return tuple(names)
