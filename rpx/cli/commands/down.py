"""`rpx down`."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.arguments import seconds
from rpx.cli.helpers.volumes_to_remove import Doomed
from rpx.cli.supervisor.remains import clear, has_left
from rpx.cli.terminal.output import say, say_over
from rpx.cli.terminal.progress import LOOK as AGAIN
from rpx.cli.terminal.progress import SILENT, Progress
from rpx.errors import Exit, NotRunning, RpxError, TookTooLong, UsageError
from rpx.runs.api_client import ApiClient
from rpx.runs.lease import (
    Lease,
    all_running,
    crashed_run,
    crashed_runs,
    find_project,
    not_running,
    running,
)

EXAMPLES = """\
rpx down                        # stop this project, and wait until it has ended
rpx down -f shop/rpx.yaml       # another one, also where its folder is gone
rpx down --timeout 5s           # kill what has not ended by itself after five seconds
rpx down --now                  # kill everything at once
rpx down --all                  # every project that `rpx projects` lists
rpx down --volumes              # and remove the data of its containers, once you have said yes
"""

GONE_WITHIN = 60.0  # seconds
PATIENCE_TAKES = 10.0  # seconds, once it is lost
LOOK = 0.05


@click.command("down", cls=Command, examples=EXAMPLES)
@click.option("--all", "everything", is_flag=True, help="Stop every running project of yours")
@click.option(
    "-t",
    "--timeout",
    metavar="DURATION",
    help="Kill what has not ended by itself after this time (default: its `stop_grace_period`)",
)
@click.option("--now", is_flag=True, help="Kill everything at once, as a second Ctrl-C does")
@click.option(
    "--volumes",
    is_flag=True,
    help="Also remove the volumes that rpx has made for its containers, with their data; asks",
)
@click.option("--yes", is_flag=True, help="With --volumes: don't ask")
@click.pass_obj
def down(
    common: Common, *, everything: bool, timeout: str | None, now: bool, volumes: bool, yes: bool
) -> int:
    """Stop what `rpx up` started, and wait until all of it has gone. Where a run was killed, end
    what it has left behind.

    The command says what it waits for. Ctrl-C ends only the waiting: the project goes on stopping.
    """
    _check_usage(
        common.file, everything=everything, timeout=timeout, now=now, volumes=volumes, yes=yes
    )
    doomed = Doomed.of(find_project(None, common.file)[0]) if volumes else None
    if doomed is not None and not doomed.agreed(yes=yes):
        say("nothing was stopped, and nothing removed")
        return Exit.FAILED
    try:
        _stop(common.file, everything=everything, timeout=timeout, now=now)
    except NotRunning:
        if doomed is None:
            raise
    if doomed is not None:
        doomed.remove()
    return Exit.FINE


def _check_usage(
    file: Path | None, *, everything: bool, timeout: str | None, now: bool, volumes: bool, yes: bool
) -> None:
    if everything and file is not None:
        raise UsageError("`--all` and `--file` exclude each other", hint="leave one of them out")
    if now and timeout is not None:
        raise UsageError("`--now` and `--timeout` exclude each other", hint="leave one of them out")
    if yes and not volumes:
        raise UsageError("`--yes` goes with `--volumes`", hint="say `--volumes`, too")
    if volumes and everything:
        hint = "remove those of one project after the other"
        raise UsageError("`--volumes` and `--all` exclude each other", hint=hint)


def _stop(file: Path | None, *, everything: bool, timeout: str | None, now: bool) -> None:
    patience = math.inf if timeout is None else seconds("--timeout", timeout)
    leases, remains = _everything() if everything else _project(file)
    errors: list[RpxError] = []  # of one project, which are nothing to the others
    for crashed in remains:
        with _noted(errors):
            clear(crashed)
    asked = []
    for lease in leases:
        with _noted(errors):
            ApiClient(lease).down(now=now)
            asked.append(lease)
    if everything and not leases and not remains:
        say("no project runs")
    waiting = Waiting(asked, patience)
    for lease in asked:
        with _noted(errors):
            waiting.until_gone(lease)
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
    return all_running(), [each for each in crashed_runs() if has_left(each)]


def _project(file: Path | None) -> tuple[list[Lease], list[Lease]]:
    """Those of one project. Raises: NotRunning when it has neither."""
    config, lease = find_project(None, file)
    if lease is not None:
        return [lease], []
    crashed = crashed_run(config)
    if crashed is None or not has_left(crashed):
        raise not_running(config)
    return [], [crashed]


class Waiting:
    """For projects that have been told to end: what they wait for is said, and for how long."""

    def __init__(self, leases: Sequence[Lease], patience: float) -> None:
        """After `patience` seconds they are told again, to end at once."""
        self._began = time.monotonic()
        self._patience = patience
        self._within = (
            max(GONE_WITHIN, patience + PATIENCE_TAKES) if patience < math.inf else GONE_WITHIN
        )
        self._left = list(leases)
        several = len(leases) > 1
        self._progress = {
            lease: Progress(f"{lease.name}: waiting for " if several else "waiting for ")
            for lease in leases
        }
        self._look = self._began + SILENT

    def until_gone(self, lease: Lease) -> None:
        """Return when it has gone, and say so. Raises: TookTooLong."""
        try:
            while not _gone(lease):
                self._tell()
                if time.monotonic() > self._began + self._within:
                    raise _too_long(lease, self._within)
                time.sleep(LOOK)
        except KeyboardInterrupt:
            say_over(
                f"rpx: `{lease.name}` goes on stopping in the background; `rpx down --now` hurries"
            )
            raise
        self._left.remove(lease)
        say(f"stopped {lease.name}")

    def _tell(self) -> None:
        now = time.monotonic()
        if now > self._began + self._patience:
            self._patience = math.inf
            for lease in self._left:
                with suppress(RpxError):
                    ApiClient(lease).down(now=True)
        elif now > self._look:
            self._look = now + AGAIN
            for lease in self._left:
                with suppress(RpxError):  # it is just about to have gone
                    left = self._began + self._patience - now
                    self._progress[lease].tell(ApiClient(lease).waits(within=left))


def _too_long(lease: Lease, within: float) -> TookTooLong:
    return TookTooLong(
        f"`{lease.name}` (pid {lease.supervisor.pid}) has not ended after {within:g} s",
        hint="see what it waits for: `rpx ps`; end it at once: `rpx down --now`",
    )


def _gone(lease: Lease) -> bool:
    """Nobody holds the lease any more, and the guardian has swept up."""
    now = running(lease.config)
    return (now is None or now.run_id != lease.run_id) and not lease.guardian.alive
