"""What all commands share: `--file`, `--color`, help that starts with examples, suggestions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from rpx.cli.at_tab.offered import PROFILES
from rpx.cli.meant import command_meant
from rpx.cli.typed import name_project
from rpx.folders import absolute

if TYPE_CHECKING:
    from rpx.runs.api_client import ApiClient
    from rpx.runs.lease import Lease


@dataclass(slots=True)
class Common:
    """What `--file` and `--color` say, before or after the command's name."""

    file: Path | None = None
    color: str = "auto"

    def colour(self, stream: IO[Any]) -> bool:
        """Whether to colour what goes to `stream`: the option, then the environment, then a tty."""
        if self.color != "auto":
            return self.color == "always"
        if os.environ.get("NO_COLOR"):
            return False
        force = os.environ.get("FORCE_COLOR", "")
        if force:
            return force != "0"
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def lease(self) -> Lease:
        """The lease of the running project. Raises: NotRunning."""
        from rpx.runs.lease import find_running  # noqa: PLC0415 - psutil: only when it is needed

        return find_running(None, self.file)

    def client(self) -> ApiClient:
        """A client of the running project. Raises: NotRunning."""
        from rpx.runs.api_client import ApiClient  # noqa: PLC0415 - likewise

        return ApiClient(self.lease())


def _keep_file(ctx: click.Context, _param: click.Parameter, value: Path | None) -> None:
    if value is not None:
        file = ctx.ensure_object(Common).file = absolute(value)
        name_project(file)


def _keep_color(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Common).color = value


THIS_FILE = "Use this rpx.yaml, instead of the nearest one in this folder or above it"


def _common_options(file_flags: Sequence[str], file_help: str) -> list[click.Parameter]:
    return [
        click.Option(
            list(file_flags),
            type=click.Path(path_type=Path),
            metavar="FILE",
            expose_value=False,
            callback=_keep_file,
            help=file_help,
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            expose_value=False,
            callback=_keep_color,
            help="Print colours on a terminal only (auto), always, or never",
        ),
    ]


profile_option = click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    type=PROFILES,
    help="Include the services of this profile (* for all); may be given several times",
)


realm_option = click.option(
    "--realm",
    metavar="NAME",
    help='Put this label before the last one of every host, or none: "". Default: that of the git'
    " worktree",
)


class Command(click.Command):
    """A command with examples. `file_flags` is other than `-f` where that means something else,
    and `file_help` says what the rpx.yaml is for, where it isn't read.
    """

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        examples: str = "",
        file_flags: Sequence[str] = ("-f", "--file"),
        file_help: str = THIS_FILE,
        **kwargs: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **kwargs)
        self.context_settings = {
            "help_option_names": ["-h", "--help"],
            **self.context_settings,
        }
        self.examples = examples
        self.params += _common_options(file_flags, file_help)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Whatever is wrong with them is wrong with those of this command."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples first: most people look for one to copy."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.splitlines():
                    formatter.write(f"{' ' * formatter.current_indent}{line}\n")
            formatter.write_paragraph()
        super().format_help(ctx, formatter)


class Group(Command, click.Group):
    """A group whose unknown commands come with the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it. Raises: UnknownCommand, with a hint."""
        name = args[0]
        if name in self.list_commands(ctx) or name.startswith("-"):
            return super().resolve_command(ctx, args)
        if ctx.params.get("from_"):  # it may be one more address
            hint = "several addresses have commas between, and no spaces: `--from 3000,3001`"
        else:
            hint = command_meant(name, self.list_commands(ctx), ctx.command_path)
        raise UnknownCommand(name, hint, ctx)


class UnknownCommand(click.UsageError):
    """There is no such command. `hint` says which one was probably meant, if any."""

    def __init__(self, name: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command `{name}`", ctx)
        self.hint = hint
