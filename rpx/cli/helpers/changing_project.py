"""A change of the whole project: what is to be done is shown, then it is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from rpx.cli.command import Common
from rpx.cli.terminal.output import print_json, say, warn
from rpx.cli.terminal.progress import reporting
from rpx.errors import visible

if TYPE_CHECKING:
    from rpx.model.answers import ChangeReport
    from rpx.runs.api_client import ApiClient, Planned

dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done")
GOES_ON = "the change goes on in the background; `rpx ps` shows how far it is"
Work = Callable[["ApiClient", "Planned"], "ChangeReport"]


def change_project(common: Common, work: Work, *, dry_run: bool, as_json: bool) -> int:
    """Have `work` change the project: show what is planned, then what came of it; the exit code."""
    client = common.client()
    planned = (lambda _: None) if as_json else _show
    with nullcontext() if dry_run and not as_json else reporting(client, (), GOES_ON):
        report = work(client, planned)
    outcomes = report.outcomes or ()
    if as_json:
        written = report.json()
        print_json({key: written[key] for key in ("plan", "outcomes") if key in written})
    else:
        for outcome in outcomes:
            print(visible(outcome.sentence))
    failed = next((each for each in outcomes if each.exit_code), None)
    if failed is None:
        return 0
    service = failed.label.partition(":")[0]
    say(f"hint: `rpx logs {service}` shows what it has printed")
    return failed.exit_code


def _show(report: ChangeReport) -> None:
    for sentence in report.sentences:
        print(visible(sentence), flush=True)
    for advice in report.advice:
        warn(advice)
