"""`rpx reload`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.changing_project import change_project, dry_run_option
from rpx.cli.terminal.output import json_option


@click.command(
    "reload",
    cls=Command,
    examples="""\
rpx reload                      # after a change of rpx.yaml or of an env file
rpx reload --dry-run            # what would that do?
""",
)
@dry_run_option
@json_option
@click.pass_obj
def reload(common: Common, *, dry_run: bool, as_json: bool) -> int:
    """Read rpx.yaml and its env files again, and change only what is different: no request is lost.

    A file with a mistake in it changes nothing. `reload: auto` in rpx.yaml does this by itself.
    """
    return change_project(
        common,
        lambda client, planned: client.reload(planned, dry_run=dry_run),
        dry_run=dry_run,
        as_json=as_json,
    )
