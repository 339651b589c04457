"""How reading commands print: tables for people, JSON for programs."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import click

from rpx.model.escapes import without_escapes

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts")


def print_json(data: object) -> None:
    """As a program wants it; indented, because people look, too."""
    print(json.dumps(data, indent=2))


def table(columns: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table without lines. The columns of `right` are numbers."""
    from rich.table import Table  # noqa: PLC0415 - not for `--json`

    empty = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        empty.add_column(column, justify="right" if column in right else "left", no_wrap=True)
    return empty


def print_table(filled: Table, *, colour: bool) -> None:
    """To stdout. What is not a terminal gets every column in full."""
    text = io.StringIO()
    console(text, colour=colour).print(filled)
    for line in text.getvalue().splitlines():
        print(line.rstrip())


def console(file: IO[str], *, colour: bool, terminal: bool = False) -> Console:
    """Something to print tables with, as wide as stdout. `terminal`: it may move the cursor."""
    from rich.console import Console  # noqa: PLC0415 - not for `--json`

    return Console(
        file=file,
        width=width(),
        force_terminal=colour or terminal,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,  # a command may have brackets
        legacy_windows=False,
    )


def width() -> int:
    """How many columns of text stdout has; what is not a terminal has as many as one likes."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 10_000


def quoted(lines: Sequence[str]) -> list[str]:
    """Lines that a service has printed, indented, without what would move the cursor."""
    raw = (line.encode("utf-8", "surrogateescape") for line in lines)
    return [f"    {without_escapes(each).decode('utf-8', 'replace')}" for each in raw]


def size(count: float) -> str:
    """`512`, `1.5k`, `20M`: bytes in units of 1,024."""
    for unit in ("", "k", "M", "G"):
        if count < 1000:
            return f"{count:.0f}{unit}" if count >= 10 or not unit else f"{count:.1f}{unit}"
        count /= 1024
    return f"{count:.1f}T"


def age(seconds: float) -> str:
    """`12s`, `3m`, `2h`, `5d`: the largest unit that says something."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"
