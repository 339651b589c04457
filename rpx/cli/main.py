"""`rpx` itself: which commands there are, and how each begins and ends.

A command's module is imported when the command is used: `rpx --help` knows one line of each from
the table here and is there at once.
"""

from __future__ import annotations

import builtins
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from keyword import iskeyword

import click

import rpx
from rpx.cli.command import Command, Common, Group
from rpx.cli.failures import forget_output, reported
from rpx.cli.flags import OPTIONS, flags_given, run_flags
from rpx.cli.helpers.loading import loaded
from rpx.cli.standard_streams import open_standard_streams
from rpx.cli.typed import name_project
from rpx.errors import Exit, UsageError

# command → what `rpx --help` says; its module in commands/ has its name
COMMANDS = {
    "up": "Start everything in rpx.yaml, until Ctrl-C",
    "down": "Stop what `rpx up` started",
    "attach": "Show the console of a running project",
    "run": "Run a command with the environment of a service",
    "projects": "List every running project of yours",
    "ps": "Show backends, states, pids and URLs",
    "top": "Watch and steer a running project on one screen",
    "why": "Explain why a backend is in the state it is in",
    "stats": "Show requests, errors and latency of each backend",
    "logs": "Show what backends print",
    "requests": "Show the last requests that went through",
    "request": "Show all about one request",
    "replay": "Send a request again, and show what is different",
    "agent": "Set a project up for coding agents",
    "mcp": "Serve tools for coding agents, over stdio (MCP)",
    "start": "Start backends that are down",
    "stop": "Stop backends; they stay down until started",
    "restart": "Restart backends, one after the other",
    "reload": "Read rpx.yaml again, and change what is different",
    "scale": "Run more or fewer copies of a service",
    "kill-backend": "Kill a backend, to see what users see",
    "pause-backend": "Take a backend out of rotation; it runs on",
    "resume-backend": "Let a paused backend get requests again",
    "open": "Open a proxy in the browser",
    "hosts": "Keep names outside of .localhost in /etc/hosts",
    "trust": "Let browsers accept rpx's certificates",
    "untrust": "Take back what `rpx trust` has done",
    "drill": "Load, a failure in the middle, and a report",
    "setup": "Prepare this machine, once: ports 80 and 443, trust, Tab",
    "doctor": "Look for what may be wrong on this machine",
    "completion": "Print what lets your shell complete words at Tab",
    "export": "Write a compose file, Kubernetes' objects, systemd's units",
    "check": "Check rpx.yaml without starting anything",
    "init": "Write an rpx.yaml for what is in this folder",
    "import": "Write an rpx.yaml from files of other tools",
    "config": "Print rpx.yaml with everything filled in",
    "schema": "Print the JSON Schema of rpx.yaml, for editors",
    "help": "Show how a command is used, or a page of the documents",
}

EXAMPLES = """\
rpx up                          # everything in rpx.yaml, until Ctrl-C
rpx ps                          # who runs, where, since when
rpx logs -f api                 # what the copies of api print
rpx restart api                 # one copy after the other: no request is lost
rpx kill-backend 3001           # what do my users see when this one dies?
rpx --from 3000,3001 --to api.localhost         # without an rpx.yaml
rpx --from 5173 --to shop.localhost --path /api=4000 --strip    # /api/users is /users at 4000
rpx --static ./dist --to shop.localhost         # files of a folder
"""

_TAKEN = ("config", "mcp")  # other modules' names


def command_named(name: str) -> Command:
    """Import one of COMMANDS. `open`, `help` and `import` have an underscore: Python has those
    names, too.
    """
    stem = name.replace("-", "_")
    stem = f"{stem}_" if iskeyword(stem) or stem in _TAKEN else stem
    attribute = f"{stem}_" if hasattr(builtins, stem) else stem
    command: Command = getattr(import_module(f"rpx.cli.commands.{stem}"), attribute)
    loaded()
    return command


class Commands(Group):
    """The commands of the table, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands; none is imported for that."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import a command; None: there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        return command_named(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, each with what COMMANDS says of it."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _say_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """What a report of a mistake has to say; the second word is the version alone."""
    if wanted and not ctx.resilient_parsing:
        system = os.uname()
        python = ".".join(map(str, sys.version_info[:3]))
        where = f"Python {python}, {system.sysname} {system.machine}"
        click.echo(f"rpx {rpx.__version__} ({where})")
        ctx.exit()


@click.group(
    "rpx", cls=Commands, examples=EXAMPLES, invoke_without_command=True, params=list(OPTIONS)
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_say_version,
    help="Print the version, that of Python, and the system",
)
@click.pass_context
def group(ctx: click.Context, /, **parameters: object) -> int:
    """Starts a project's services, keeps them alive, and balances requests over them."""
    flags = flags_given(parameters)
    if ctx.invoked_subcommand is None:
        if flags:
            loaded()
            return run_flags(ctx.obj, flags)
        click.echo(ctx.get_help())
        ctx.exit(Exit.USAGE)
    if flags:
        raise UsageError(
            f"`{ctx.invoked_subcommand}` does not go with `--from`, `--to` and the flags they have",
            hint=f"what belongs to the command stands behind it: `rpx {ctx.invoked_subcommand} …`",
        )
    return Exit.FINE


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Nothing escapes, whatever happens."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    open_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale that has no `→`
    code = reported(lambda: _run(arguments))
    forget_output()  # what nobody took would make another exit code of it
    return code


def _run(arguments: list[str]) -> int:
    name_project(None)
    # Not group.main(): that prints errors in its own way, and ends with 1 on a broken pipe.
    try:
        with group.make_context("rpx", arguments, obj=Common()) as ctx:
            code = group.invoke(ctx)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    return code if isinstance(code, int) else Exit.FINE
