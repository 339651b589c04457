"""`rpx completion`."""

from __future__ import annotations

import os

import click

from rpx.cli.at_tab.scripts import SCRIPTS
from rpx.cli.command import Command
from rpx.errors import UsageError


@click.command(
    "completion",
    cls=Command,
    examples="""\
rpx completion fish | source    # in this shell only; `rpx setup` does it for all of yours
eval "$(rpx completion bash)"   # in this bash only
rpx completion zsh              # what zsh is to load, as a file `_rpx` in a folder of its fpath
""",
)
@click.argument("shell", type=click.Choice(list(SCRIPTS)), required=False)
def completion(*, shell: str | None) -> None:
    """Print what lets a shell complete at Tab: commands, options, and the names of what is here.

    Without SHELL it is for yours.
    """
    mine = os.path.basename(os.environ.get("SHELL", ""))
    if shell is None and mine not in SCRIPTS:
        raise UsageError(
            f"rpx completes nothing in `{mine or 'an unknown shell'}`",
            hint="name one of bash, zsh and fish: `rpx completion bash`",
        )
    click.echo(SCRIPTS[shell or mine], nl=False)
