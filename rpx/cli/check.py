"""`rpx check`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.output import print_table, table
from rpx.config import find_config, load_config
from rpx.model.config import Config
from rpx.model.status import BackendSpec
from rpx.policy.plan import plan

EXAMPLES = """\
rpx check                       # the rpx.yaml of this project
rpx check -f shop/rpx.yaml      # another file
"""


@click.command("check", cls=Command, examples=EXAMPLES)
@click.pass_obj
def check(common: Common) -> None:
    """Check rpx.yaml without starting anything, and show what `rpx up` would run.

    All that is wrong is reported at once, with exit code 2.
    """
    path = common.file or find_config(Path.cwd())
    config = load_config(
        path, os.environ, warn=lambda text: click.echo(f"warning: {text}", err=True)
    )
    filled = table(["NAME", "BACKEND", "URL", "COMMAND"])
    for spec in plan(config, config.listen.http_port or 0):
        filled.add_row(
            spec.name,
            str(spec.address or "-"),
            _url(config, spec),
            _command(spec),
        )
    print_table(filled, colour=common.colour(sys.stdout))
    click.echo(f"{path} is in order", err=True)


def _url(config: Config, spec: BackendSpec) -> str:
    if not spec.host:
        return "-"
    match config.listen.http_port:
        case None:
            return f"http://{spec.host}, or with port 8080 and upward"
        case 0:
            return f"http://{spec.host}, with a free port"
        case 80:
            return f"http://{spec.host}"
        case port:
            return f"http://{spec.host}:{port}"


def _command(spec: BackendSpec) -> str:
    if spec.start is None:
        return "(external)"
    command = spec.start.command
    return command if isinstance(command, str) else " ".join(command)
