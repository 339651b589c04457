"""`rpx init`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from rpx.cli.command import Command, Common
from rpx.cli.helpers.moving_in import (
    OUTPUT,
    agreed,
    move,
    on_terminal,
    reading_options,
    target_of,
)
from rpx.cli.terminal.output import say
from rpx.config.variables.env_files import label_of
from rpx.folders import absolute, here
from rpx.moving.found import draft_of, found_in, sorted_out
from rpx.moving.starter import starter

EXAMPLES = """\
rpx init                        # look at this folder, show what was found, ask
rpx init --yes                  # don't ask
rpx init --stdout               # print it, write nothing
rpx init -f compose.yaml -f compose.dev.yaml    # only these files, merged
"""


@click.command(
    "init",
    cls=Command,
    examples=EXAMPLES,
    file_flags=("-o", "--output", "--file"),
    file_help=OUTPUT,
)
@reading_options
@click.option("-y", "--yes", is_flag=True, help="Don't ask")
@click.pass_obj
def init(
    common: Common,
    *,
    files: tuple[Path, ...],
    shown: bool,
    force: bool,
    as_json: bool,
    yes: bool,
) -> None:
    """Write an rpx.yaml for what is in this folder.

    rpx looks for files of other tools, such as compose's, and of frameworks, and shows what they
    come to. Where it finds nothing, it writes an rpx.yaml that works as it stands.
    """
    target = target_of(common, shown=shown, force=force, as_json=as_json)
    ask = on_terminal() and not (yes or shown or as_json)
    root = target.path.parent
    piles = sorted_out([absolute(file) for file in files]) if files else found_in(here())
    if piles:
        draft = draft_of(piles, root, os.environ)
        move(common, target, piles, draft, as_json=as_json, ask=ask)
        return
    say(f"nothing here says what to run: {label_of(target.path)} would be one to begin with")
    if ask and not agreed(f"write {label_of(target.path)}?"):
        say("nothing was written")
        return
    text = starter(root.name)
    target.load(text)
    target.write(text)
    if not shown:
        say(f"wrote {label_of(target.path)}; next: `rpx up`")
