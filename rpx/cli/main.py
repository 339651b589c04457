"""`rpx` itself: which commands there are, and how each begins and ends.

A command's module is imported when the command is used: `rpx --help` knows one line of each from
the table here and is there at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module

import click

import rpx
from rpx.cli.command import Command, Common, Group
from rpx.cli.failures import forget_output, reported
from rpx.cli.flags import OPTIONS, flags_given, run_flags
from rpx.cli.standard_streams import open_standard_streams
from rpx.cli.typed import name_project
from rpx.errors import Exit, UsageError

# name → (module:attribute, what `rpx --help` says)
COMMANDS = {
    "up": ("rpx.cli.commands.up:up", "Start everything in rpx.yaml, until Ctrl-C"),
    "down": ("rpx.cli.commands.down:down", "Stop what `rpx up` started"),
    "attach": ("rpx.cli.commands.attach:attach", "Show the console of a running project"),
    "run": ("rpx.cli.commands.run:run", "Run a command with the environment of a service"),
    "projects": ("rpx.cli.commands.projects:projects", "List every running project of yours"),
    "ps": ("rpx.cli.commands.ps:ps", "Show backends, states, pids and URLs"),
    "top": ("rpx.cli.commands.top:top", "Show CPU and memory of each service, every second"),
    "why": ("rpx.cli.commands.why:why", "Explain why a backend is in the state it is in"),
    "stats": ("rpx.cli.commands.stats:stats", "Show requests, errors and latency of each backend"),
    "logs": ("rpx.cli.commands.logs:logs", "Show what backends print"),
    "start": ("rpx.cli.commands.orders:start", "Start backends that are down"),
    "stop": ("rpx.cli.commands.orders:stop", "Stop backends; they stay down until started"),
    "restart": ("rpx.cli.commands.orders:restart", "Restart backends, one after the other"),
    "reload": (
        "rpx.cli.commands.change:reload",
        "Read rpx.yaml again, and change what is different",
    ),
    "scale": ("rpx.cli.commands.change:scale", "Run more or fewer copies of a service"),
    "kill-backend": (
        "rpx.cli.commands.kill_backend:kill_backend",
        "Kill a backend, to see what users see",
    ),
    "pause-backend": (
        "rpx.cli.commands.orders:pause_backend",
        "Take a backend out of rotation; it runs on",
    ),
    "resume-backend": (
        "rpx.cli.commands.orders:resume_backend",
        "Let a paused backend get requests again",
    ),
    "open": ("rpx.cli.commands.open:open_", "Open a proxy in the browser"),
    "hosts": ("rpx.cli.commands.hosts:hosts", "Keep names outside of .localhost in /etc/hosts"),
    "trust": ("rpx.cli.commands.trust:trust", "Let browsers accept rpx's certificates"),
    "untrust": ("rpx.cli.commands.untrust:untrust", "Take back what `rpx trust` has done"),
    "drill": ("rpx.cli.commands.drill:drill", "Load, a failure in the middle, and a report"),
    "doctor": ("rpx.cli.commands.doctor:doctor", "Look for what may be wrong on this machine"),
    "check": ("rpx.cli.commands.check:check", "Check rpx.yaml without starting anything"),
    "help": ("rpx.cli.commands.help:help_", "Show how a command is used"),
}

EXAMPLES = """\
rpx up                          # everything in rpx.yaml, until Ctrl-C
rpx ps                          # who runs, where, since when
rpx logs -f api                 # what the copies of api print
rpx restart api                 # one copy after the other: no request is lost
rpx kill-backend 3001           # what do my users see when this one dies?
rpx --from 3000,3001 --to api.localhost         # without an rpx.yaml
"""


class Commands(Group):
    """The commands of the table, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands; none is imported for that."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import a command; None: there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, each with what COMMANDS says of it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    "rpx", cls=Commands, examples=EXAMPLES, invoke_without_command=True, params=list(OPTIONS)
)
@click.version_option(rpx.__version__, "-V", "--version", message="rpx %(version)s")
@click.pass_context
def group(ctx: click.Context, /, **parameters: object) -> int:
    """Starts a project's services, keeps them alive, and balances requests over them."""
    flags = flags_given(parameters)
    if ctx.invoked_subcommand is None:
        if flags:
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
