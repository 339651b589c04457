"""Tables that fit: what says who it is, and how it is, stays whole; the rest goes by columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import click

from rpx.errors import visible
from rpx.model.breadth import breadth

GAP = 2  # columns of text between two columns
INDENT = "  "
NARROW = 20  # columns in which no sentence is worth breaking
NONE = "-"  # what stands where there is nothing to say


@dataclass(frozen=True, slots=True)
class Column:
    """`rank` 0: never left out; of the others, the one with the highest goes first."""

    heading: str
    rank: int = 0
    right: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """`short` says the same in less, for where there is no room. `style` is a colour."""

    text: str
    short: str = ""
    style: str = ""

    def shown(self, *, short: bool) -> str:
        """Return what is printed, on one line."""
        text = self.short if short and self.short else self.text
        return visible(text).replace("\n", "\\n").replace("\t", " ")


class Table:
    """Columns and rows. `in_order`: where a column has no room, none of a higher rank is shown."""

    def __init__(self, columns: Sequence[Column], *, in_order: bool = False) -> None:
        self._columns = columns
        self._in_order = in_order
        self._rows: list[list[Cell]] = []

    def add(self, *cells: str | Cell) -> None:
        """Append a row: a cell for each column."""
        self._rows.append([each if isinstance(each, Cell) else Cell(each) for each in cells])

    def lines(self, width: int | None, *, colour: bool) -> list[str]:
        """Return the lines, of at most `width` columns of text. None: as wide as it is.

        Where not even the columns that are never left out fit, each row has lines of its own.
        """
        if width is None:
            chosen: dict[int, bool] | None = dict.fromkeys(range(len(self._columns)), False)
        else:
            chosen = self._fitting(width)
        if chosen is None:
            return self._flowing(width or 0, colour=colour)
        return self._aligned(chosen, colour=colour)

    def _fitting(self, width: int) -> dict[int, bool] | None:
        """The columns that are shown, and whether in short; None if there is no way."""
        always = [number for number, column in enumerate(self._columns) if not column.rank]
        for short in (False, True):
            chosen = dict.fromkeys(always, short)
            if self._used(chosen) <= width:
                break
        else:
            return None
        others = sorted(set(range(len(self._columns))) - set(always), key=self._rank)
        for number in others:
            way = next(
                (
                    short
                    for short in (False, True)
                    if self._used({**chosen, number: short}) <= width
                ),
                None,
            )
            if way is not None:
                chosen[number] = way
            elif self._in_order:
                break
        return chosen

    def _rank(self, number: int) -> int:
        return self._columns[number].rank

    def _used(self, chosen: dict[int, bool]) -> int:
        return sum(self._wide(number, short=short) for number, short in chosen.items()) + GAP * (
            len(chosen) - 1
        )

    def _wide(self, number: int, *, short: bool) -> int:
        texts = (row[number].shown(short=short) for row in self._rows)
        return max([breadth(self._columns[number].heading), *map(breadth, texts)])

    def _aligned(self, chosen: dict[int, bool], *, colour: bool) -> list[str]:
        places = [
            (number, chosen[number], self._wide(number, short=chosen[number]))
            for number in sorted(chosen)
        ]
        head = [Cell(each.heading) for each in self._columns]
        lines = []
        for row in [head, *self._rows]:
            parts = []
            for number, short, wide in places:
                text = row[number].shown(short=short)
                gap = " " * (wide - breadth(text))
                painted = _painted(text, row[number].style, bold=row is head, colour=colour)
                parts.append(gap + painted if self._columns[number].right else painted + gap)
            lines.append((" " * GAP).join(parts).rstrip())
        return lines

    def _flowing(self, width: int, *, colour: bool) -> list[str]:
        """Each row as a line that says who it is, and more that say how it is."""
        lines: list[str] = []
        before = ""
        by_rank = sorted(range(1, len(self._columns)), key=self._rank)
        for row in self._rows:
            if (name := row[0].shown(short=False)) != before:
                lines.append(_painted(name, row[0].style, bold=True, colour=colour))
                before = name
            line, used = INDENT, 0
            for number in by_rank:
                text, column = row[number].shown(short=True), self._columns[number]
                if text == NONE:
                    continue
                if column.right:
                    text = f"{column.heading.lower()} {text}"
                painted = _painted(text, row[number].style, bold=False, colour=colour)
                wide = breadth(text) + GAP
                if used and used + wide > width:
                    if column.rank:
                        break
                    lines.append(line.rstrip())
                    line, used = INDENT, 0
                line, used = f"{line}{painted}{INDENT}", used + wide
            lines.append(line.rstrip())
        return lines


def clipped(lines: Iterable[str], count: int) -> list[str]:
    """Return the lines, or as many as fit and how many more there are."""
    found = list(lines)
    if len(found) <= count:
        return found
    kept = found[: max(count - 1, 0)]
    return [*kept, f"… {len(found) - len(kept)} more lines"][:count]


def wrapped(sentence: str, width: int) -> list[str]:
    """Return a sentence of ours on lines of so many columns, broken between words: a pid or a port
    is not cut in two.

    What somebody may copy (a hint, a quoted line) stays a line, which the terminal breaks.
    """
    if breadth(sentence) <= width or width < NARROW or sentence.startswith((" ", "hint:")):
        return [sentence]
    lines = [""]
    for word in sentence.split(" "):
        if lines[-1].strip() and breadth(lines[-1]) + 1 + breadth(word) > width:
            lines.append(INDENT + word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def _painted(text: str, style: str, *, bold: bool, colour: bool) -> str:
    if not colour or not (style or bold):
        return text
    return click.style(text, fg=style or None, bold=bold or None)
