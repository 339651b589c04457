"""`rpx export`."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from rpx.cli.command import Command, Common, profile_option
from rpx.cli.helpers.moving_in import report_of
from rpx.cli.terminal.output import say, warn
from rpx.config import find_config
from rpx.errors import Exit
from rpx.export.compose_export import compose_files
from rpx.export.exporting import Exported, Writing, export_project, read_project
from rpx.export.fates import Target
from rpx.export.kubernetes_export import kubernetes_files
from rpx.export.systemd_export import systemd_files
from rpx.export.writing_files import write_files

EXAMPLES = """\
rpx export compose                          # to stdout; what did not come over, to stderr
rpx export compose -o compose.yaml          # a file; one that is there stays, without --force
rpx export kubernetes --strict > shop.yaml  # ends with 1 if anything was lost
rpx export systemd -o ~/.config/systemd/user
"""

_WRITERS: Mapping[Target, Writing] = {
    "compose": compose_files,
    "kubernetes": kubernetes_files,
    "systemd": systemd_files,
}


@click.command("export", cls=Command, examples=EXAMPLES)
@click.argument("target", type=click.Choice(list(_WRITERS)))
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    metavar="PATH",
    help="Write there instead of to stdout: a file, or a folder",
)
@click.option("--force", is_flag=True, help="Replace files that are there")
@click.option("--strict", is_flag=True, help="Exit with 1 if anything of rpx.yaml was lost")
@profile_option
@click.pass_obj
def export(
    common: Common,
    *,
    target: Target,
    output: str | None,
    force: bool,
    strict: bool,
    profiles: tuple[str, ...],
) -> int:
    """Write a project as a compose file, as Kubernetes' objects, or as systemd's user units.

    A start for where one machine is too small, to be looked through. On stderr stands what is
    written in another way, what was guessed, and what was lost, each with its line of rpx.yaml.
    """
    path = common.file or find_config()
    found = export_project(
        *read_project(path, os.environ, warn, profiles), target, _WRITERS[target]
    )
    if output is None:
        click.echo(_as_one(found), nl=False)
    else:
        private = target == "systemd"  # units have the values of variables
        for file in write_files(found.files, output, force=force, private=private):
            say(f"wrote {file}")
    for line in report_of(found.remarks, "lost:"):
        say(line)
    return Exit.FAILED if strict and found.losses else Exit.FINE


def _as_one(found: Exported) -> str:
    """Several files as one text, each below its name."""
    if len(found.files) == 1:
        return next(iter(found.files.values()))
    return "\n".join(f"# ---- {name}\n{text}" for name, text in found.files.items())
