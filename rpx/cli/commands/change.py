"""`rpx reload` and `rpx scale`: what is to be done is shown, then it is done."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.arguments import copies
from rpx.cli.terminal.output import json_option, print_json, say, warn
from rpx.cli.terminal.progress import told
from rpx.errors import visible

if TYPE_CHECKING:
    from rpx.model.answers import ChangeReport
    from rpx.runs.api_client import ApiClient, Planned

dry_run_option = click.option("--dry-run", is_flag=True, help="Only show what would be done")
GOES_ON = "the change goes on in the background; `rpx ps` shows how far it is"
Work = Callable[["ApiClient", "Planned"], "ChangeReport"]


@click.command(
    "reload",
    cls=Command,
    examples="""\
rpx reload                      # after a change of rpx.yaml or of an env file
rpx reload --dry-run            # what would that do?
""",
)
@dry_run_option
@json_option
@click.pass_obj
def reload(common: Common, *, dry_run: bool, as_json: bool) -> int:
    """Read rpx.yaml and its env files again, and change only what is different: no request is lost.

    A file with a mistake in it changes nothing. `reload: auto` in rpx.yaml does this by itself.
    """
    return _change(
        common,
        lambda client, planned: client.reload(planned, dry_run=dry_run),
        dry_run=dry_run,
        as_json=as_json,
    )


@click.command(
    "scale",
    cls=Command,
    examples="""\
rpx scale api=4                 # four copies: new ones join when they are ready
rpx scale api=1 web=2           # the last ones finish their requests and stop
""",
)
@click.argument("services", metavar="NAME=COPIES…", nargs=-1, required=True)
@dry_run_option
@json_option
@click.pass_obj
def scale(common: Common, services: tuple[str, ...], *, dry_run: bool, as_json: bool) -> int:
    """Run more or fewer copies of services whose ports rpx chooses (`replicas`).

    It lasts until rpx ends, or until `replicas` of that service is another number in rpx.yaml.
    """
    wanted = copies(services)
    return _change(
        common,
        lambda client, planned: client.scale(wanted, planned, dry_run=dry_run),
        dry_run=dry_run,
        as_json=as_json,
    )


def _change(common: Common, work: Work, *, dry_run: bool, as_json: bool) -> int:
    client = common.client()
    planned = (lambda _: None) if as_json else _show
    with nullcontext() if dry_run and not as_json else told(client, (), GOES_ON):
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
