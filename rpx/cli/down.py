"""`rpx down`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.control.client import Client
from rpx.control.lease import Lease, find_running, running
from rpx.errors import TookTooLong

EXAMPLES = """\
rpx down                        # stop this project, and wait until it has ended
rpx down -f shop/rpx.yaml       # another one
"""

GONE_WITHIN = 60.0  # seconds
LOOK = 0.05


@click.command("down", cls=Command, examples=EXAMPLES)
@click.pass_obj
def down(common: Common) -> None:
    """Stop what `rpx up` started, and wait until all of it has gone."""
    lease = find_running(Path.cwd(), common.file)
    with Client(lease) as client:
        client.down()
    if not _gone(lease):
        raise TookTooLong(
            f"`{lease.name}` (pid {lease.supervisor.pid}) has not ended after {GONE_WITHIN:g} s",
            hint=f"see what it waits for: `rpx ps`; end it at once: `kill {lease.guardian.pid}`",
        )
    sys.stderr.write(f"stopped {lease.name}\n")


def _gone(lease: Lease) -> bool:
    """Nobody holds the lease any more, and the guardian has swept up."""
    deadline = time.monotonic() + GONE_WITHIN
    while True:
        now = running(lease.config)
        if (now is None or now.run_id != lease.run_id) and not lease.guardian.alive:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK)
