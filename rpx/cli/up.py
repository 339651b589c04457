"""`rpx up`. Nothing heavy is imported here: the guardian forks first, and stays small."""

from __future__ import annotations

import signal
import sys

import click

from rpx.backend.guardian import guard
from rpx.cli.command import Command, Common
from rpx.cli.failures import reported

EXAMPLES = """\
rpx up                          # everything in rpx.yaml, until Ctrl-C
rpx up -f shop/rpx.yaml         # another project's file
rpx up --verbose                # with a line for each request and who answered it
rpx up --no-start               # only the routes: start the services yourself
rpx up --color never            # for a file or a pipe that wants no colours
"""


@click.command("up", cls=Command, examples=EXAMPLES)
@click.option("--verbose", is_flag=True, help="Print each request and who answered it")
@click.option("--no-start", is_flag=True, help="Start nothing: somebody else runs the backends")
@click.pass_obj
def up(common: Common, *, verbose: bool, no_start: bool) -> int:
    """Start everything in rpx.yaml and route requests to it, until Ctrl-C.

    Prints what happens and what the services print. Ctrl-C waits for requests under way and stops
    the services in order; a second one kills them at once.
    """
    return guard(lambda: reported(lambda: _supervise(common, verbose=verbose, no_start=no_start)))


def _supervise(common: Common, *, verbose: bool, no_start: bool) -> int:
    # Until somebody hears them (obey_signals): half of a start-up is no good place to end at.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
    from rpx.cli.supervisor import supervise  # noqa: PLC0415 - after the fork

    colour = common.colour(sys.stdout)
    return supervise(common.file, colour=colour, verbose=verbose, no_start=no_start)
