"""`rpx restart`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.ordering import give_order, some_names_argument
from rpx.cli.terminal.output import json_option


@click.command(
    "restart",
    cls=Command,
    examples="""\
rpx restart api                 # one copy after the other: no request is lost
rpx restart 3001                # the backend on this port
rpx restart                     # all services, one after the other
""",
)
@some_names_argument
@json_option
@click.pass_obj
def restart(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Restart backends, each when the one before it is ready again."""
    return give_order(common, "restart", names, as_json=as_json)
