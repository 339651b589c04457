"""How reading commands print: tables for people, JSON for programs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import IO

import click

from rpx.cli.terminal.table import Table, wrapped
from rpx.cli.typed import typed
from rpx.errors import visible
from rpx.model.escapes import on_a_terminal

DETAIL = 14  # columns before what a detail says
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts")


def print_json(data: object) -> None:
    """As a program wants it; indented, because people look, too."""
    print(json.dumps(data, indent=2))


def print_table(filled: Table, *, colour: bool) -> None:
    """To stdout, as wide as that is."""
    for line in filled.lines(width(), colour=colour):
        print(line)


def width() -> int | None:
    """How many columns of text there are: as COLUMNS says, else as the terminal has.

    None where stdout is no terminal: as many as one likes.
    """
    given = os.environ.get("COLUMNS", "")
    if given.isascii() and given.isdigit() and int(given):
        return int(given)
    return _width_of(sys.stdout)


def fitted(sentence: str, beside: int = 0) -> list[str]:
    """A sentence of ours as lines of stdout, broken between words where that has a width.

    `beside`: how many columns are taken by what stands before each line.
    """
    columns = width()
    return [sentence] if columns is None else wrapped(sentence, columns - beside)


def detail(what: str, text: str) -> list[str]:
    """What a sentence before is made of: a word, and what there is to say about it."""
    first, *more = fitted(visible(text), DETAIL)
    return [f"  {what:<{DETAIL - 2}}{first}", *(f"{' ' * DETAIL}{line}" for line in more)]


def _width_of(stream: IO[str]) -> int | None:
    try:
        return (os.get_terminal_size(stream.fileno()).columns or 80) if stream.isatty() else None
    except (OSError, ValueError):  # it has gone, or is no file
        return None


def say(text: str) -> None:
    """What is no data, to stderr, at once."""
    sys.stderr.write("".join(f"{line}\n" for line in on_stderr(visible(typed(text)).split("\n"))))
    sys.stderr.flush()


def say_over(text: str) -> None:
    """Say it at Ctrl-C, over the `^C` of the terminal: the line begins where it is meant to."""
    if sys.stderr.isatty():
        sys.stderr.write("\r")
    say(text)


def on_stderr(lines: Sequence[str]) -> list[str]:
    """Sentences of ours as lines of stderr: where it is a terminal, broken between words."""
    columns = _width_of(sys.stderr)
    return list(lines) if columns is None else [p for each in lines for p in wrapped(each, columns)]


def warn(text: str) -> None:
    """Say what may be a mistake."""
    say(f"warning: {text}")


def quoted(lines: Sequence[str]) -> list[str]:
    """Lines that a service has printed, indented, without what would move the cursor."""
    raw = (on_a_terminal(line.encode("utf-8", "surrogateescape"), colour=False) for line in lines)
    return [f"    {each.decode('utf-8', 'replace')}" for each in raw]


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
