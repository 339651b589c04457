"""`rpx import`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.moving_in import OUTPUT, move, reading_options, target_of
from rpx.errors import Exit, UsageError
from rpx.folders import absolute
from rpx.moving.found import draft_of, sorted_out

EXAMPLES = """\
rpx import compose.yaml         # write rpx.yaml, and say what did not come over
rpx import compose.yaml compose.dev.yaml        # merged, as `docker compose -f … -f …` does
rpx import Procfile.dev --stdout                # print it, write nothing
rpx import compose.yaml --strict                # exit code 1 if anything is lost
"""


@click.command(
    "import",
    cls=Command,
    examples=EXAMPLES,
    file_flags=("-o", "--output", "--file"),
    file_help=OUTPUT,
)
@click.argument("named", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@reading_options
@click.option("--strict", is_flag=True, help="End with exit code 1 if anything is lost")
@click.pass_obj
def import_(
    common: Common,
    *,
    named: tuple[Path, ...],
    files: tuple[Path, ...],
    shown: bool,
    force: bool,
    as_json: bool,
    strict: bool,
) -> int:
    """Write an rpx.yaml from files of other tools, and report what did not come over.

    What was guessed or lost is said with its file and line, here and in rpx.yaml. Nothing of it
    is an error, unless with --strict.
    """
    target = target_of(common, shown=shown, force=force, as_json=as_json)
    if not (files or named):
        raise UsageError("`rpx import` needs a file", hint="`rpx init` looks for files itself")
    piles = sorted_out([absolute(file) for file in (*files, *named)])
    draft = draft_of(piles, target.path.parent, os.environ)
    move(common, target, piles, draft, as_json=as_json, ask=False)
    return Exit.FAILED if strict and draft.losses else Exit.FINE
