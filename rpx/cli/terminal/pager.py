"""A long text on a terminal: by the user's pager, as git and man do it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

import click


def print_long(lines: Sequence[str]) -> None:
    """Print lines; where stdout is a terminal that they don't fit on, by PAGER, or less."""
    text = "".join(f"{line}\n" for line in lines)
    if not (_is_too_long(lines) and _paged(text)):
        click.echo(text, nl=False, color=True)  # it has what was wished: nothing is taken away


def _is_too_long(lines: Sequence[str]) -> bool:
    if not sys.stdout.isatty() or not sys.stdin.isatty():
        return False
    return len(lines) >= shutil.get_terminal_size().lines


def _paged(text: str) -> bool:
    """Whether there was a pager. Ctrl-C there is the pager's affair."""
    command = os.environ.get("PAGER", "less").strip()
    if command in {"", "cat"} or not shutil.which(command.split()[0]):
        return False
    sys.stdout.flush()
    pager = subprocess.Popen(  # noqa: S602 - as git and man do: PAGER is the user's own command
        command,
        shell=True,
        stdin=subprocess.PIPE,
        env={"LESS": "FRX", **os.environ},
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    )
    while True:
        try:
            pager.communicate(text)
        except KeyboardInterrupt:
            continue
        return True
