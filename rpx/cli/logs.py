"""`rpx logs`."""

from __future__ import annotations

import json
import sys

import click

from rpx.cli.command import Command, Common
from rpx.cli.screen import Layout

EXAMPLES = """\
rpx logs                        # the last 100 lines of each backend
rpx logs -f api                 # what the copies of api print, from now on, too
rpx logs --tail 20 api:3001     # the last lines of one backend
rpx logs --json | jq .text      # for scripts: {label, at, text}
"""


@click.command("logs", cls=Command, examples=EXAMPLES, file_flags=("--file",))
@click.argument("names", metavar="[NAME…]", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on")
@click.option(
    "--tail",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    metavar="N",
    help="How many lines of each backend to begin with",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line")
@click.pass_obj
def logs(common: Common, names: tuple[str, ...], *, follow: bool, tail: int, as_json: bool) -> None:
    """Show what backends print. They are named like everywhere: `api`, `api:3001`, `3001`."""
    with common.client() as client:
        rows = client.ps()
        layout = Layout(
            [(row["name"], row["label"]) for row in rows], colour=common.colour(sys.stdout)
        )
        out = sys.stdout.buffer
        for line in client.logs(names, tail=tail, follow=follow):
            if as_json:
                out.write(json.dumps(line).encode() + b"\n")
            elif "missed" in line:
                sys.stderr.write(f"rpx: {line['missed']} lines were printed too fast to show\n")
            else:
                text = line["text"].encode("utf-8", "surrogateescape") + b"\n"
                out.write(layout.output(line["label"], text))
            if follow:
                out.flush()
    if follow:
        sys.stderr.write("rpx: the project has ended\n")
