"""`rpx scale`."""

from __future__ import annotations

import click

from rpx.cli.at_tab.offered import SCALED
from rpx.cli.command import Command, Common
from rpx.cli.helpers.arguments import copies
from rpx.cli.helpers.changing_project import change_project, dry_run_option
from rpx.cli.terminal.output import json_option


@click.command(
    "scale",
    cls=Command,
    examples="""\
rpx scale api=4                 # four copies: new ones join when they are ready
rpx scale api=1 web=2           # the last ones finish their requests and stop
""",
)
@click.argument("services", metavar="NAME=COPIES…", nargs=-1, required=True, type=SCALED)
@dry_run_option
@json_option
@click.pass_obj
def scale(common: Common, services: tuple[str, ...], *, dry_run: bool, as_json: bool) -> int:
    """Run more or fewer copies of services whose ports rpx chooses (`replicas`).

    It lasts until rpx ends, or until `replicas` of that service is another number in rpx.yaml.
    """
    wanted = copies(services)
    return change_project(
        common,
        lambda client, planned: client.scale(wanted, planned, dry_run=dry_run),
        dry_run=dry_run,
        as_json=as_json,
    )
