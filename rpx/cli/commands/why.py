"""`rpx why`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click

from rpx.cli.command import Command, Common
from rpx.cli.commands.ps import COLOURS
from rpx.cli.helpers.tab_words import running_services
from rpx.cli.terminal.output import age, fitted, json_option, print_json, quoted
from rpx.cli.typed import typed
from rpx.errors import visible
from rpx.model.answers import Why, json_of
from rpx.model.status import AT_REST

EXAMPLES = """\
rpx why api                     # why is it not ready? What is it waiting for?
rpx why 3001                    # one backend
rpx why db --json               # for scripts
"""

INDENT = 14  # columns before a detail
DOWN = frozenset(state.value for state in AT_REST)  # nothing that could crash


@click.command("why", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="NAME…", nargs=-1, required=True, shell_complete=running_services)
@json_option
@click.pass_obj
def why(common: Common, names: tuple[str, ...], *, as_json: bool) -> None:
    """Explain the state of backends: what they wait for, how their last process ended, what their
    checks say, when they are started again, and what they printed last.
    """
    client = common.client()
    found = client.why(names)
    if as_json:
        print_json([json_of(each) for each in found])
        return
    colour = common.colour(sys.stdout)
    print("\n\n".join("\n".join(_told(each, time.time(), colour=colour)) for each in found))


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
        first, *more = fitted(visible(text), INDENT)
        yield f"  {what:<{INDENT - 2}}{first}"
        yield from (f"{' ' * INDENT}{line}" for line in more)
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
