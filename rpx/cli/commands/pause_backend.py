"""`rpx pause-backend`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.ordering import give_order, names_argument
from rpx.cli.terminal.output import json_option


@click.command(
    "pause-backend",
    cls=Command,
    examples="""\
rpx pause-backend 3001          # no new requests; its process is left running
rpx pause-backend api:1 api:2   # two of them
""",
)
@names_argument
@json_option
@click.pass_obj
def pause_backend(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Take backends out of rotation and leave their processes running.

    Requests under way finish. It lasts until `rpx resume-backend`, also through restarts.
    """
    return give_order(common, "pause-backend", names, as_json=as_json)
