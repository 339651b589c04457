"""`rpx down`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from rpx.backend.processes import marked
from rpx.cli.command import Command, Common
from rpx.cli.output import say
from rpx.cli.remains import clear
from rpx.control.client import Client
from rpx.control.lease import (
    Lease,
    all_running,
    crashed_run,
    crashed_runs,
    find_project,
    not_running,
    running,
)
from rpx.errors import RpxError, TookTooLong, UsageError

EXAMPLES = """\
rpx down                        # stop this project, and wait until it has ended
rpx down -f shop/rpx.yaml       # another one, also where its folder is gone
rpx down --all                  # every project that `rpx projects` lists
"""

GONE_WITHIN = 60.0  # seconds
LOOK = 0.05


@click.command("down", cls=Command, examples=EXAMPLES)
@click.option("--all", "everything", is_flag=True, help="Stop every running project of yours")
@click.pass_obj
def down(common: Common, *, everything: bool) -> None:
    """Stop what `rpx up` started, and wait until all of it has gone. What a run that was killed
    has left is ended, too.
    """
    if everything and common.file is not None:
        raise UsageError("`--all` and `--file` exclude each other", hint="leave one of them out")
    leases, remains = _everything() if everything else _project(common.file)
    errors: list[RpxError] = []  # of one project, which are nothing to the others
    for crashed in remains:
        with _noted(errors):
            clear(crashed)
    asked = []
    for lease in leases:
        with _noted(errors):
            Client(lease).down()
            asked.append(lease)
    deadline = time.monotonic() + GONE_WITHIN
    for lease in asked:
        with _noted(errors):
            _wait(lease, deadline)
    if errors:
        errors[0].problems = tuple(problem for each in errors for problem in each.problems)
        raise errors[0]


@contextmanager
def _noted(errors: list[RpxError]) -> Iterator[None]:
    try:
        yield
    except RpxError as error:
        errors.append(error)


def _everything() -> tuple[list[Lease], list[Lease]]:
    """Every run of this user, and every one that was killed and has left processes behind."""
    return all_running(), [each for each in crashed_runs() if marked(each.run_id)]


def _project(file: Path | None) -> tuple[list[Lease], list[Lease]]:
    """Those of one project. Raises NotRunning when it has neither."""
    config, lease = find_project(Path.cwd(), file)
    if lease is not None:
        return [lease], []
    crashed = crashed_run(config)
    if crashed is None or not marked(crashed.run_id):
        raise not_running(config)
    return [], [crashed]


def _wait(lease: Lease, deadline: float) -> None:
    """Wait until a project has gone, and say so. Raises TookTooLong."""
    while not _gone(lease):
        if time.monotonic() > deadline:
            name, pid, guardian = lease.name, lease.supervisor.pid, lease.guardian.pid
            raise TookTooLong(
                f"`{name}` (pid {pid}) has not ended after {GONE_WITHIN:g} s",
                hint=f"see what it waits for: `rpx ps`; end it at once: `kill {guardian}`",
            )
        time.sleep(LOOK)
    say(f"stopped {lease.name}")


def _gone(lease: Lease) -> bool:
    """Nobody holds the lease any more, and the guardian has swept up."""
    now = running(lease.config)
    return (now is None or now.run_id != lease.run_id) and not lease.guardian.alive
