"""`rpx requests`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable

import click

from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import json_option, print_json, say, width
from rpx.cli.terminal.request_line import request_line
from rpx.errors import UsageError
from rpx.model.answers import json_of
from rpx.model.request_answers import RequestRow, RequestsMissed
from rpx.policy.request_filter import request_filter
from rpx.runs.request_client import following_requests, passed_requests

EXAMPLES = """\
rpx requests                    # the last 100
rpx requests -f                 # and those that come from now on
rpx requests status:5xx         # what went wrong
rpx requests path:/api/* -path:*.js ms:>200
rpx requests held retried       # what waited for a backend, and what was asked for twice
rpx requests --json | jq '.[] | select(.tries > 1)'
rpx request ID                  # all about one of them
"""

TAIL = 100
TAIL_FOLLOWED = 10
_FILTER = re.compile(r"-[a-z]{2,}(?::.*)?", re.DOTALL)


class FilterCommand(Command):
    """A command whose words may begin with a dash: `-path:*.js` is none of its options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put them behind the options."""
        words = [each for each in args if _FILTER.fullmatch(each)]
        options = [each for each in args if each not in words]
        return super().parse_args(ctx, [*options, *(["--"] if words else []), *words])


@click.command("requests", cls=FilterCommand, examples=EXAMPLES, file_flags=("--file",))
@click.argument("words", metavar="[FILTER…]", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with those that end from now on")
@click.option(
    "-n", "--tail", metavar="N", help=f"Show the last N, or all  [default: {TAIL}; --json: all]"
)
@json_option
@click.pass_obj
def requests(
    common: Common, words: tuple[str, ...], *, follow: bool, tail: str | None, as_json: bool
) -> None:
    """Show the last requests that went through: when, what for, who answered, how long it took,
    and what was not as usual.

    FILTER is a word like status:5xx, method:POST, host:api, path:/api/*, ms:>200, backend:3001,
    route:NAME, client:127.0.0.1, type:json, protocol:websocket, held or retried; with a - before
    it, what it means is left out. Words of one kind are alternatives; all kinds hold.
    """
    request_filter(words)  # what is wrong with them is known here
    client = common.client()
    colour = common.colour(sys.stdout)
    if follow:
        count = _count(tail, TAIL_FOLLOWED)
        for each in following_requests(client, words, 1_000_000 if count is None else count):
            _print_next(each, as_json=as_json, colour=colour)
        say("rpx: the project has ended")
        return
    rows = passed_requests(client, words, _count(tail, None if as_json else TAIL))
    if as_json:
        print_json([json_of(row) for row in rows])
        return
    _print(rows, colour=colour)
    if not rows:
        like = "like that " if words else ""
        say(f"rpx: no request {like}has come through yet (or `requests: false` keeps none)")


def _print(rows: Iterable[RequestRow], *, colour: bool) -> None:
    for row in rows:
        print(request_line(row, width(), colour=colour))


def _print_next(each: RequestRow | RequestsMissed, *, as_json: bool, colour: bool) -> None:
    if as_json:
        print(json.dumps(json_of(each)), flush=True)
    elif isinstance(each, RequestsMissed):
        say(f"rpx: {each.missed} requests came too fast to show")
    else:
        print(request_line(each, width(), colour=colour), flush=True)


def _count(text: str | None, default: int | None) -> int | None:
    if text is None or text == "all":
        return default if text is None else None
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"`--tail` is neither a number nor `all`: {text}", hint="for example 20")
    return int(text)
