"""`rpx stop`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.ordering import give_order, some_names_argument
from rpx.cli.terminal.output import json_option


@click.command(
    "stop",
    cls=Command,
    examples="""\
rpx stop api:3001               # one backend: the others take its requests
rpx stop worker                 # it stays down until `rpx start worker`
rpx stop                        # all services; the project itself ends with `rpx down`
""",
)
@some_names_argument
@json_option
@click.pass_obj
def stop(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Stop backends. Requests under way are finished first; nothing starts them again by itself."""
    return give_order(common, "stop", names, as_json=as_json)
