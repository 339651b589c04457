"""`rpx logs`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from rpx.cli.at_tab.offered import SERVICES
from rpx.cli.command import Command, Common
from rpx.cli.terminal.output import width
from rpx.cli.terminal.screen import Layout
from rpx.config.duration import parse_duration
from rpx.errors import NotRunning, UsageError
from rpx.journal.files import services
from rpx.model.answers import LogMissed
from rpx.model.escapes import on_a_terminal
from rpx.runs.api_client import ApiClient
from rpx.runs.history import (
    Said,
    Wanted,
    labels_of,
    of_ended,
    of_running,
    said_by,
    since_each,
)
from rpx.runs.lease import Lease, find_project, label, running, what_runs
from rpx.runs.paths import journal_folder

EXAMPLES = """\
rpx logs                        # the last 100 lines of each backend
rpx logs -f api                 # what the copies of api print, from now on, too
rpx logs --since 10m            # of all runs, not only the last one
rpx logs -n 20 api:3001         # the last lines of one backend
rpx logs -t                     # with times
rpx logs rpx                    # what rpx itself has said
rpx logs --json | jq .text      # for scripts: {label, at, text}
"""

TAIL = 100
FLUSHED = 3.0  # seconds after which a project that has ended has written its last line
LOOK = 0.02


class LogPrinter:
    """Lines to stdout, as people or programs want them."""

    def __init__(
        self, labels: Iterable[str], *, as_json: bool, colour: bool, times: bool = False
    ) -> None:
        self._layout = Layout([(each.partition(":")[0], each) for each in labels], colour=colour)
        self._as_json = as_json
        self._colour = colour
        self._times = times
        self._out = sys.stdout.buffer

    def show(self, lines: Iterable[Said]) -> None:
        """Print what was said."""
        self._layout.fit(width())
        for line in lines:
            self._out.write(self._object(line) if self._as_json else self._text(line))

    def miss(self, count: int) -> None:
        """Say that lines were lost on the way."""
        if self._as_json:
            self._out.write(b'{"missed": %d}\n' % count)
        else:
            sys.stderr.write(f"rpx: {count} lines were printed too fast to show\n")

    def _text(self, line: Said) -> bytes:
        text = line.text + b"\n"
        if self._times:
            at = datetime.fromtimestamp(line.at, UTC).astimezone().replace(tzinfo=None)
            text = f"{at.isoformat(timespec='milliseconds')} ".encode() + text
        return self._layout.output(line.label, text)

    def _object(self, line: Said) -> bytes:
        raw = line.text if self._colour else on_a_terminal(line.text, colour=False)
        text = raw.decode("utf-8", "surrogateescape")
        return json.dumps({"label": line.label, "at": line.at, "text": text}).encode() + b"\n"


@click.command("logs", cls=Command, examples=EXAMPLES, file_flags=("--file",))
@click.argument("names", metavar="[NAME…]", nargs=-1, type=SERVICES)
@click.option("-f", "--follow", is_flag=True, help="Go on with the lines that come from now on")
@click.option(
    "--since",
    metavar="TIME",
    help="Only lines that are younger than this: 10m, 2h, 2026-11-25T20:30",
)
@click.option(
    "-n",
    "--tail",
    metavar="N",
    help=f"Begin with this many lines of each backend, or with all  [default: {TAIL}]",
)
@click.option("-t", "--timestamps", is_flag=True, help="Begin each line with its (local) time")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line")
@click.pass_obj
def logs(
    common: Common,
    names: tuple[str, ...],
    *,
    follow: bool,
    since: str | None,
    tail: str | None,
    timestamps: bool,
    as_json: bool,
) -> None:
    """Show what backends print, or what they printed in the last run. NAME is a service or a
    backend (`api`, `api:3001`, `3001`), or `rpx` for what rpx itself says.
    """
    wanted = Wanted(names, _count(tail, everything=since is not None), _time(since))
    config, lease = find_project(None, common.file)
    folder = journal_folder(config)
    colour = common.colour(sys.stdout)
    if lease is None:
        if not services(folder):
            raise NotRunning(
                f"{what_runs(config)} is not running, and there are no logs of an earlier run "
                f"({label(config)})",
                hint="start it: `rpx up`",
            )
        lines = of_ended(folder, wanted)
        LogPrinter(
            {line.label for line in lines}, as_json=as_json, colour=colour, times=timestamps
        ).show(lines)
        if follow:
            sys.stderr.write("rpx: the project is not running\n")
        return
    client = ApiClient(lease)
    labels = [row.label for row in client.ps()]
    printer = LogPrinter(labels, as_json=as_json, colour=colour, times=timestamps)
    if follow:
        follow_logs(client, lease, wanted, printer)
    else:
        printer.show(of_running(client, folder, wanted))


def follow_logs(client: ApiClient, lease: Lease, wanted: Wanted, printer: LogPrinter) -> None:
    """Show what there is, and what comes, until the project ends."""
    began = time.time()
    folder = journal_folder(lease.config)
    with client.follow(wanted.names, own=wanted.own) as rows:
        past = of_running(client, folder, wanted)  # now: nothing falls between what was and comes
        labels = labels_of(client, wanted, past)
        printer.show(past)
        seen = {line.label: line.at for line in past}
        sys.stdout.flush()
        for row in rows:
            if isinstance(row, LogMissed):
                printer.miss(row.missed)
            elif row.at > seen.get(row.label, 0.0):
                seen[row.label] = row.at
                printer.show(said_by([row]))
                sys.stdout.flush()
    printer.show(_last_words(folder, lease, dict.fromkeys(labels, began) | seen))
    sys.stderr.write("rpx: the project has ended\n")


def _last_words(folder: Path, lease: Lease, seen: Mapping[str, float]) -> list[Said]:
    """What was said while the connection ended: it is in the files once the lease is free."""
    deadline = time.monotonic() + FLUSHED
    while (now := running(lease.config)) and now.run_id == lease.run_id:
        if time.monotonic() > deadline:
            return []
        time.sleep(LOOK)
    return since_each(folder, seen)


def _count(text: str | None, *, everything: bool) -> int | None:
    if text is None:
        return None if everything else TAIL
    if text == "all":
        return None
    if not text.isascii() or not text.isdigit():
        raise UsageError(f"`--tail` is neither a number nor `all`: {text}", hint="for example 20")
    return int(text)


def _time(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return time.time() - parse_duration(text, 1.0)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise UsageError(
            f"`--since` is neither a duration nor a time: {text}",
            hint="for example 10m, 1h30m, or 2026-11-25T20:30",
        ) from None
