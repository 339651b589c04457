"""The line that shows a mistake, with carets under it (the shape every message shares)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rpx.model.breadth import breadth

_WIDEST = 100


@dataclass(frozen=True, slots=True, order=True)
class Spot:
    """A stretch of text: line and column of its first character and past its last, from 0."""

    line: int
    column: int
    end_line: int
    end_column: int


def excerpt(lines: Sequence[str], spot: Spot) -> str:
    """The first line of `spot` between gutters. Empty if the text has no such line."""
    if spot.line >= len(lines):
        return ""
    line = lines[spot.line].rstrip()
    end = spot.end_column if spot.end_line == spot.line else len(line)
    begin = min(spot.column, len(line))
    end = max(min(end, len(line)), begin + 1)
    # A minified line is cut around the mistake: nobody finds column 4,000 in a wrapped terminal.
    left = max(0, begin - _WIDEST // 2) if len(line) > _WIDEST else 0
    shown = _printable(line[left : left + _WIDEST])
    before, marked = shown[: begin - left], shown[begin - left : end - left]
    lead, tail = "…" * (left > 0), "…" * (len(line) > left + _WIDEST)
    pad = " " * len(lead) + "\t".join(" " * breadth(part) for part in before.split("\t"))
    number = str(spot.line + 1)
    gutter = " " * len(number)
    carets = "^" * max(1, breadth(marked))
    return f"{gutter} |\n{number} | {lead}{shown}{tail}\n{gutter} | {pad}{carets}"


def _printable(text: str) -> str:
    """Control characters would move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() or c == "\t" else "\N{REPLACEMENT CHARACTER}" for c in text)
