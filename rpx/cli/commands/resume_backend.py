"""`rpx resume-backend`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.ordering import give_order, names_argument
from rpx.cli.terminal.output import json_option


@click.command(
    "resume-backend",
    cls=Command,
    examples="""\
rpx resume-backend 3001         # it gets requests again, as soon as it is ready
rpx resume-backend api          # all copies of api
""",
)
@names_argument
@json_option
@click.pass_obj
def resume_backend(common: Common, names: tuple[str, ...], *, as_json: bool) -> int:
    """Let backends that were paused into rotation again."""
    return give_order(common, "resume-backend", names, as_json=as_json)
