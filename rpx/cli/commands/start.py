"""`rpx start`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.ordering import give_order, some_names_argument
from rpx.cli.terminal.output import json_option


@click.command(
    "start",
    cls=Command,
    examples="""\
rpx start api:3001              # one backend
rpx start api worker            # all copies of api, and the worker
rpx start                       # all that are stopped or have failed
""",
)
@some_names_argument
@json_option
@click.pass_obj
def start(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Start backends that are down, and wait until they are ready."""
    return give_order(common, "start", names, as_json=as_json)
