"""`rpx request`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import detail, fitted, json_option, print_json, quoted, say
from rpx.cli.terminal.request_line import clock, request_line, took, where
from rpx.errors import UsageError, visible
from rpx.model.request_answers import HIDDEN, TO_KEEP_BODIES, MessageTold, RequestRow, RequestTold
from rpx.orders.request_forms import curl_of, har_of
from rpx.runs.request_client import passed_request

EXAMPLES = """\
rpx request 9f86d081-0012       # as `rpx requests` shows its id, or as X-Request-Id has it
rpx request 12                  # the same in this run of the project
rpx request 12 --curl           # a command that asks for the same
rpx request 12 --har > x.har    # for the developer tools of a browser
rpx request 12 --json --secrets # with what is ••• otherwise
"""


@click.command("request", cls=Command, examples=EXAMPLES)
@click.argument("id_", metavar="ID")
@json_option
@click.option("--curl", is_flag=True, help="Print a command that sends the same")
@click.option("--har", is_flag=True, help="Print it as HAR 1.2")
@click.option("--secrets", is_flag=True, help="Show passwords and cookies, too")
@click.pass_obj
def request(
    common: Common, id_: str, *, as_json: bool, curl: bool, har: bool, secrets: bool
) -> None:
    """Show all that is known of one request: who was asked and what came of it, where its time
    went, why it was held or asked for again, what was printed meanwhile, both heads, and what was
    kept of the bodies.
    """
    if as_json + curl + har > 1:
        raise UsageError("only one of `--json`, `--curl` and `--har` can be printed")
    told = passed_request(common.client(), id_, secrets=secrets)
    if as_json:
        print_json(told.json())
        return
    if har:
        print_json(har_of(told))
        return
    if curl:
        print(curl_of(told))
        if any(value == HIDDEN for _, value in told.request.headers):
            say("rpx: what is hidden is left out; `--secrets` has it")
        return
    print("\n".join(_told(told, colour=common.colour(sys.stdout))))


def _told(told: RequestTold, *, colour: bool) -> Iterator[str]:
    row = told.row
    yield request_line(row, None, colour=colour)
    for sentence in told.explained:
        yield from fitted(visible(sentence))
    yield from _facts(row)
    for each in told.tried:
        who = f"{each.label} ({each.backend}, pid {each.pid})" if each.pid else each.backend
        yield from detail("asked", f"{who}: {each.outcome}, after {took(each.ms)}")
    if told.lines or told.lines_missing:
        yield "  printed meanwhile"
        yield from quoted(told.lines)
    if told.lines_missing:
        yield "    (and before that more than is in memory: `rpx logs` has it)"
    yield from _message("request", f"{row.method} {where(row)}", told.request)
    yield from _message("answer", str(row.status or "none"), told.response)


def _facts(row: RequestRow) -> Iterator[str]:
    yield from detail("time", f"{clock(row.time)}, {_times(row)}")
    yield from detail("client", f"{row.client or 'a socket file'}, {row.protocol}")
    if row.route is not None:
        yield from detail("route", row.route)
    yield from detail("ids", f"X-Request-Id {row.request_id}, trace {row.trace_id}")
    if row.upgrade is not None:
        frames = f": {row.frames_in} frames from the client, {row.frames_out} to it"
        yield from detail("became", row.upgrade + (frames if row.frames_in is not None else ""))


def _times(row: RequestRow) -> str:
    parts = [f"{took(row.ms)} in all"]
    if row.held_ms:
        parts.append(f"{took(row.held_ms)} held")
    if row.connect_ms:
        parts.append(f"{took(row.connect_ms)} to connect")
    if row.first_ms is not None:
        parts.append(f"{took(row.first_ms)} until the answer began")
    return ", ".join(parts)


def _message(what: str, first: str, message: MessageTold) -> Iterator[str]:
    yield ""
    yield f"{what}: {visible(first)}"
    for name, value in message.headers:
        yield f"    {visible(name)}: {visible(value)}"
    if not message.size and not message.kept:
        return
    if message.body is None:
        yield f"  body: {message.size} bytes, not kept"
        yield from fitted(f"hint: {TO_KEEP_BODIES}")
        return
    part = f", of which {message.kept} are kept" if message.kept < message.size else ""
    yield f"  body: {message.size} bytes{part}"
    text = message.body if message.encoding is None else f"({message.encoding}) {message.body}"
    yield from quoted(text.splitlines())
