"""`rpx completion`."""

from __future__ import annotations

import os

import click

from rpx.cli.command import Command
from rpx.cli.helpers.tab_words import SHELLS, completion_script
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
@click.argument("shell", type=click.Choice(SHELLS), required=False)
@click.pass_context
def completion(ctx: click.Context, *, shell: str | None) -> None:
    """Print what lets a shell complete commands, options and services of rpx at Tab.

    Without SHELL it is for yours.
    """
    mine = os.path.basename(os.environ.get("SHELL", ""))
    if shell is None and mine not in SHELLS:
        raise UsageError(
            f"rpx completes nothing in `{mine or 'an unknown shell'}`",
            hint="name one of bash, zsh and fish: `rpx completion bash`",
        )
    click.echo(completion_script(ctx.find_root().command, shell or mine).strip())
