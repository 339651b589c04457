"""`rpx mcp`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.failures import report_bug
from rpx.cli.helpers.extras import MCP, has_mcp, how_to_add
from rpx.cli.helpers.loading import loading
from rpx.cli.terminal.output import say
from rpx.errors import RpxError, UsageError
from rpx.folders import absolute, here

EXAMPLES = """\
rpx mcp                         # for the project of this folder; a client starts it
rpx mcp -C ~/shop               # for the one there
rpx mcp --read-only             # nothing that changes something
rpx agent init                  # set it up for the agents that work here
claude mcp add rpx -- rpx mcp   # or only for yourself, in Claude Code
"""


@click.command("mcp", cls=Command, examples=EXAMPLES)
@click.option(
    "-C",
    "folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Look from there",
)
@click.option("--read-only", is_flag=True, help="Offer only tools that change nothing")
@click.pass_obj
def mcp_(common: Common, *, folder: Path | None, read_only: bool) -> int:
    """Serve tools for coding agents over stdin and stdout (MCP), until the client closes stdin:
    status, why, logs, requests, request, send, wait, do, drill.

    The project need not run. `rpx help agents` says what each tool does. It takes the extra `mcp`
    of rpx.
    """
    if not has_mcp():
        raise RpxError(
            "`rpx mcp` takes version 2 of the MCP SDK, which is not installed",
            hint=f"`{how_to_add('mcp', MCP)}`",
        )
    base = absolute(folder) if folder is not None else here()
    if not base.is_dir():
        raise UsageError(f"there is no folder {base}", hint="`-C` names one")
    if sys.stdin.isatty():
        say("rpx: this speaks MCP on stdin and stdout: a client is meant to start it. Ctrl-D ends")
    with loading():  # a second; and as long to look through at the end, were it not kept apart
        from rpx.agents.mcp_server import Served, serve  # noqa: PLC0415
        from rpx.agents.which_project import Where  # noqa: PLC0415

    return serve(Served(Where(base, common.file), read_only, report_bug))
