"""`rpx up`. Nothing heavy is imported here: the guardian forks first, and stays small."""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from rpx.backend.guardian import guard
from rpx.cli.at_tab.offered import SCALED, STARTED
from rpx.cli.command import Command, Common, profile_option, realm_option
from rpx.cli.failures import reported
from rpx.cli.helpers.arguments import copies, seconds
from rpx.cli.helpers.calling_agent import calling_agent
from rpx.cli.helpers.loading import loading
from rpx.cli.supervisor.at_the_door import begin_door
from rpx.cli.supervisor.background import in_background
from rpx.cli.supervisor.wishes import Wishes
from rpx.cli.terminal.output import say
from rpx.errors import UsageError

EXAMPLES = """\
rpx up                          # everything in rpx.yaml, until Ctrl-C
rpx up api                      # only api and what it depends on
rpx up -d                       # in the background: `rpx attach`, `rpx logs`, `rpx down`
rpx up --wait --timeout 60s     # in the background, and return when all of it is ready
rpx up --profile full           # with the services of that profile, too
rpx up --exit-code-from test    # end when test ends, and with its exit code: for CI
rpx up --scale api=3            # so many copies of it, whatever `replicas` says
rpx up --realm shop2            # hosts like api.shop2.localhost: for a second checkout
rpx up -f shop/rpx.yaml         # another project's file
rpx up --verbose                # with a line for each request and who answered it
rpx up --no-start               # only the routes: start the services yourself
rpx up --color never            # for a file or a pipe that wants no colours
"""

AFTERWARDS = """\
rpx: next: `rpx ps` shows who is ready and where
rpx: next: `rpx logs --since 1m` shows what they print
rpx: next: `rpx down` stops them\
"""


@click.command("up", cls=Command, examples=EXAMPLES)
@click.argument("names", metavar="[NAME…]", nargs=-1, type=STARTED)
@click.option("-d", "--detach", is_flag=True, help="Run in the background, and return at once")
@click.option(
    "--wait",
    is_flag=True,
    help="Run in the background, and return when all is ready or one has failed",
)
@click.option(
    "--timeout",
    metavar="DURATION",
    help="With --wait: wait no longer than this (60s, 5m), then end with 124",
)
@click.option(
    "--foreground",
    is_flag=True,
    help="Stay in the foreground, also where a coding agent has called and there is no terminal",
)
@profile_option
@realm_option
@click.option(
    "--abort-on-exit", is_flag=True, help="Stop everything when one process ends by itself"
)
@click.option(
    "--exit-code-from",
    metavar="NAME",
    type=STARTED,
    help="Stop everything when one process ends by itself, and end with the exit code of NAME",
)
@click.option(
    "--scale",
    metavar="NAME=COPIES",
    type=SCALED,
    multiple=True,
    help="Run this many copies of a service",
)
@click.option(
    "--verbose",
    is_flag=True,
    help="Print a line for each request, with the backend that answered it",
)
@click.option(
    "--no-start",
    is_flag=True,
    help="Serve the routes, and start no service: you run the backends yourself",
)
@click.pass_obj
def up(
    common: Common,
    names: tuple[str, ...],
    *,
    detach: bool,
    wait: bool,
    timeout: str | None,
    foreground: bool,
    scale: tuple[str, ...],
    profiles: tuple[str, ...],
    realm: str | None,
    abort_on_exit: bool,
    exit_code_from: str | None,
    verbose: bool,
    no_start: bool,
) -> int:
    """Start everything in rpx.yaml and route requests to it, until Ctrl-C. With names, start only
    these services and what they depend on.

    The console shows what happens and what the services print. Ctrl-C waits for requests under way
    and stops the services in order; a second Ctrl-C kills them at once.

    Called by a coding agent (CLAUDECODE, AI_AGENT and their like are set) and without a terminal,
    it is `rpx up --wait`: an agent waits for the end of a command.
    """
    agent = _agent(detach=detach or wait, foreground=foreground, exit_code_from=exit_code_from)
    wait = wait or agent is not None
    if timeout is not None and not wait:
        raise UsageError("`--timeout` goes with `--wait`", hint="say `--wait`, too")
    patience = seconds("--timeout", timeout) if timeout is not None else math.inf
    wishes = Wishes(
        colour=common.colour(sys.stdout),
        names=names,
        profiles=profiles,
        realm=realm,
        detached=detach or wait,
        abort_on_exit=abort_on_exit,
        exit_code_from=exit_code_from,
        scale=tuple(copies(scale).items()),
    )
    if wishes.detached and exit_code_from is not None:
        raise UsageError(
            "`--exit-code-from` needs the foreground: a run in the background gives no exit code",
            hint="leave `--detach` and `--wait` out",
        )
    run = partial(_run, common.file, verbose=verbose, no_start=no_start)
    if not wishes.detached:
        return run(wishes)
    code = in_background(lambda: run(wishes))
    if code:
        return code
    from rpx.cli.supervisor.waiting import say_where_it_is, wait_until_ready  # noqa: PLC0415 - after the fork

    lease = say_where_it_is(common.file)
    if agent is None:
        return wait_until_ready(lease, patience) if wait else 0
    code = reported(lambda: wait_until_ready(lease, patience))
    say(AFTERWARDS)
    return code


def _agent(*, detach: bool, foreground: bool, exit_code_from: str | None) -> str | None:
    """The variable by which an agent is known that would wait for ever, and has not said how."""
    if foreground and detach:
        raise UsageError(
            "`--foreground` excludes `--detach` and `--wait`", hint="leave one of them out"
        )
    if foreground or detach or exit_code_from is not None or sys.stdout.isatty():
        return None
    agent = calling_agent(os.environ)
    if agent is not None:
        say(f"rpx: {agent} is set, and this is no terminal: as `rpx up --wait`")
    return agent


def _run(file: Path | None, wishes: Wishes, *, verbose: bool, no_start: bool) -> int:
    work: Callable[[], int] = partial(_supervise, file, wishes, verbose=verbose, no_start=no_start)
    begin_door()  # before there is a guardian, which would sweep it away
    return guard(lambda: reported(work))


def _supervise(file: Path | None, wishes: Wishes, *, verbose: bool, no_start: bool) -> int:
    # Until somebody hears them (handle_signals): half of a start-up is no good place to end at.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    with loading():
        from rpx.cli.supervisor.assembly import supervise  # noqa: PLC0415 - after the fork

    return supervise(file, wishes, verbose=verbose, no_start=no_start)
