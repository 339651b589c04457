"""`rpx help`."""

from __future__ import annotations

import click

from rpx.cli.command import Command, Group

EXAMPLES = """\
rpx help                        # every command, a line for each
rpx help drill                  # the same as `rpx drill --help`
"""


@click.command("help", cls=Command, examples=EXAMPLES)
@click.argument("name", metavar="[COMMAND]", required=False)
@click.pass_context
def help_(ctx: click.Context, *, name: str | None) -> None:
    """Show how rpx, or one of its commands, is used."""
    whole = ctx.find_root()
    if name is None:
        click.echo(whole.get_help())
        return
    assert isinstance(whole.command, Group)  # noqa: S101 - for the type checker: it is `rpx`
    _, command, _ = whole.command.resolve_command(whole, [name])
    if command is not None:
        with click.Context(command, parent=whole, info_name=name) as inner:
            click.echo(inner.get_help())
