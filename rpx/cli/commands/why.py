"""`rpx why`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click

from rpx.cli.at_tab.offered import PLACES
from rpx.cli.command import Command, Common
from rpx.cli.commands.ps import COLOURS
from rpx.cli.terminal.output import age, detail, fitted, json_option, print_json, quoted
from rpx.cli.terminal.way_of_url import is_url, way_of_url
from rpx.cli.typed import typed
from rpx.errors import UsageError, visible
from rpx.model.answers import Why, json_of
from rpx.model.status import AT_REST

EXAMPLES = """\
rpx why api                     # why is it not ready? What is it waiting for?
rpx why 3001                    # one backend
rpx why db --json               # for scripts
rpx why shop.localhost/api/x    # who answers a request for this URL, by which route?
rpx why http://shop.localhost/search -X POST -H 'X-Beta: 1'
"""

DOWN = frozenset(state.value for state in AT_REST)  # nothing that could crash


@click.command("why", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="NAME|URL…", nargs=-1, required=True, type=PLACES)
@click.option(
    "-X", "--method", default="GET", metavar="METHOD", help="The method of a request for URL"
)
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", help="A field that it has"
)
@json_option
@click.pass_obj
def why(
    common: Common, names: tuple[str, ...], method: str, headers: tuple[str, ...], *, as_json: bool
) -> None:
    """Explain the state of backends: what they wait for, how their last process ended, what their
    checks say, when they are started again, and what they printed last.

    Of a URL: which proxy and route take a request for it, why those before don't, what is done to
    it on the way, and who answers. Nobody is asked.
    """
    urls = [name for name in names if is_url(name)]
    backends = [name for name in names if name not in urls]
    if not urls and (headers or method != "GET"):
        raise UsageError(
            "`-X` and `-H` are of a request, and there is no URL",
            hint="for example `rpx why -X POST http://shop.localhost/api/x`",
        )
    client = common.client()
    found = client.why(backends) if backends else []
    ways = [client.why_url(url, method, headers) for url in urls]
    if as_json:
        print_json([*map(json_of, found), *map(json_of, ways)])
        return
    colour = common.colour(sys.stdout)
    told = [_told(each, time.time(), colour=colour) for each in found]
    told += [way_of_url(each) for each in ways]
    print("\n\n".join("\n".join(each) for each in told))


def _told(each: Why, now: float, *, colour: bool) -> Iterator[str]:
    state = each.state
    if colour and state in COLOURS:
        state = click.style(state, fg=COLOURS[state])
    since = age(now - each.since)
    begun = f"{visible(each.label)} {each.state} for"
    whole = f"{begun} {since}: {visible(each.because)}"
    first, *more = fitted(whole)
    yield first.replace(begun, begun.replace(f" {each.state} ", f" {state} "), 1)
    yield from more
    for what, text in _details(each, now):
        yield from detail(what, text)
    if each.last_lines:
        yield "  last lines"
        yield from quoted(each.last_lines)
    if each.hint:
        yield visible(f"hint: {typed(each.hint)}")


def _details(each: Why, now: float) -> Iterator[tuple[str, str]]:
    if each.pid:
        yield "process", str(each.pid)
    if exit_ := each.last_exit:
        ago = age(now - exit_.at)
        yield "last exit", f"{exit_.what} after {exit_.uptime:.1f} s, {ago} ago"
    if each.restarts:
        yield "restarts", str(each.restarts) + _budget(each)
    if each.next_start_in is not None:
        yield "next start", f"in {each.next_start_in:.1f} s"
    if checks := each.checks:
        failed, passed = checks.failed_in_a_row, checks.passed_in_a_row
        why = f": {each.last_error}" if failed and each.last_error else ""
        yield "checks", f"{failed} failed in a row{why}" if failed else f"{passed} passed in a row"


def _budget(each: Why) -> str:
    if each.restart_policy == "no" or each.state in DOWN:
        return ""
    return f", and {each.restarts_left} more within {each.restart_window:g} s if it crashes"
