"""`rpx replay`."""

from __future__ import annotations

import sys

import click

from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import json_option, print_json
from rpx.cli.terminal.request_line import took
from rpx.errors import RpxError, UsageError, visible
from rpx.model.answers import json_of
from rpx.model.request_answers import SAFE_METHODS, RequestRow
from rpx.runs.request_client import passed_request, replayed

EXAMPLES = """\
rpx replay 12                   # the same again, through the proxy: what is different?
rpx replay 12 --to 3001         # to one copy, past the proxy
rpx replay 12 --times 5
rpx replay 12 --yes             # a POST, too, without being asked
"""


@click.command("replay", cls=Command, examples=EXAMPLES)
@click.argument("id_", metavar="ID")
@click.option("--to", "backend", metavar="BACKEND", help="Ask this copy, past the proxy")
@click.option("--times", type=click.IntRange(1, 1000), default=1, help="How often  [default: 1]")
@click.option("--yes", is_flag=True, help="Also what may change something, as a POST")
@json_option
@click.pass_obj
def replay(
    common: Common, id_: str, *, backend: str | None, times: int, yes: bool, as_json: bool
) -> None:
    """Send a request again, with the fields and the body that it had, and show what is different
    in status, fields and body of the answer.
    """
    client = common.client()
    row = passed_request(client, id_).row
    if row.method not in SAFE_METHODS and row.upgrade is None and not yes:
        _ask(row)
    answers = (replayed(client, row.id, backend or "") for _ in range(times))
    if as_json:
        print_json([json_of(each) for each in answers])
        return
    for each in answers:
        same = "; ".join(each.differs) or "the same"
        print(visible(f"{each.status} in {took(each.ms)}: {same}"))
        for line in each.body:
            print(visible(f"    {line}"))


def _ask(row: RequestRow) -> None:
    what = f"a {row.method} may change something"
    if not sys.stdin.isatty():
        raise UsageError(f"{what}, and nobody can be asked", hint="`--yes` sends it again")
    if not click.confirm(f"{what}. Send it again?", err=True):
        raise RpxError("nothing was sent")
