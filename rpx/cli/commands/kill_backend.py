"""`rpx kill-backend`."""

from __future__ import annotations

import click

from rpx.cli.at_tab.offered import BACKENDS
from rpx.cli.command import Command, Common
from rpx.cli.helpers.arguments import seconds
from rpx.cli.terminal.output import json_option, print_json
from rpx.errors import UsageError, visible
from rpx.model.answers import json_of

EXAMPLES = """\
rpx kill-backend 3001                   # SIGKILL; rpx restarts it at once
rpx kill-backend api:3001 --signal TERM # ask instead of killing
rpx kill-backend 3001 --down-for 10s    # restart it after ten seconds
rpx kill-backend 3001 --no-restart      # until `rpx start api:3001`
"""


@click.command("kill-backend", cls=Command, examples=EXAMPLES)
@click.argument("backend", metavar="BACKEND", type=BACKENDS)
@click.option(
    "--signal",
    metavar="SIGNAL",
    default="KILL",
    show_default=True,
    help="Send this signal, by name or number",
)
@click.option(
    "--down-for", metavar="DURATION", help="Wait this long before the restart: 10s, 1m30s"
)
@click.option("--no-restart", is_flag=True, help="Leave it down until `rpx start`")
@json_option
@click.pass_obj
def kill_backend(
    common: Common,
    backend: str,
    *,
    signal: str,
    down_for: str | None,
    no_restart: bool,
    as_json: bool,
) -> None:
    """Kill the process that serves BACKEND, as a crash would.

    BACKEND is a port, `host:port`, `name:port` or `name:index`. Only processes that rpx started
    can be hit.
    """
    if no_restart and down_for is not None:
        raise UsageError(
            "`--down-for` and `--no-restart` exclude each other", hint="leave one of them out"
        )
    rest = seconds("--down-for", down_for) if down_for is not None else 0.0
    client = common.client()
    kill = client.kill_backend(backend, signal=signal, down_for=rest, restart=not no_restart)
    if as_json:
        print_json(json_of(kill))
    else:
        print(visible(kill.sentence))
