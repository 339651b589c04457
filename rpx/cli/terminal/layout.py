"""A document in Markdown, laid out for a terminal: of Markdown, what our own documents use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from typing import Final

from rpx.cli.terminal.prose import Prose, prose

LONGEST: Final = 100  # columns of a line of prose: longer ones are hard to read
WIDEST: Final = 130  # columns of a table
CODE: Final = "    "  # before a line of code
GAP: Final = "  "  # between two columns of a table

_FENCE: Final = re.compile(r"( *)```")
_HEADING: Final = re.compile(r"(#+) (.*)")
_ITEM: Final = re.compile(r"( *(?:[-*]|\d+\.) )(.*)")
_CELL: Final = re.compile(r"(?<!\\)\|")


def laid_out(markdown: str, width: int, *, colour: bool) -> list[str]:
    """Return its lines, of at most `width` columns but for code and words that are longer."""
    layout = _Layout(markdown, width, colour=colour)
    return layout.lines()


class _Layout:
    """Takes one block after the other off the lines of a document."""

    def __init__(self, markdown: str, width: int, *, colour: bool) -> None:
        self._left = markdown.splitlines()
        self._left.reverse()  # the next one is the last
        self._width = width
        self._colour = colour

    def lines(self) -> list[str]:
        done: list[str] = []
        while self._left:
            line = self._left[-1]
            if not line.strip():
                self._left.pop()
                done += [""] if done and done[-1] else []
            else:
                done += self._block(line)
        return done[:-1] if done and not done[-1] else done

    def _block(self, line: str) -> list[str]:
        if fence := _FENCE.match(line):
            return self._fenced(fence[0], len(fence[1]))
        if line.startswith(CODE):
            return self._taken(lambda each: each.startswith(CODE))
        if heading := _HEADING.match(line):
            self._left.pop()
            mark = "" if self._colour else f"{heading[1]} "  # where it isn't bold
            return self._flowing(prose(heading[2], colour=self._colour, bold=True), mark)
        if line.startswith("|"):
            return self._table(self._taken(lambda each: each.startswith("|")))
        if item := _ITEM.match(line):
            return self._item(item[1], item[2])
        return self._flowing(self._prose(self._taken(_goes_on)), "")

    def _taken(self, belongs: Callable[[str], object]) -> list[str]:
        found = [self._left.pop()]
        while self._left and belongs(self._left[-1]):
            found.append(self._left.pop())
        return found

    def _fenced(self, fence: str, indent: int) -> list[str]:
        self._left.pop()
        found = []
        while self._left and not self._left[-1].startswith(fence):
            found.append((CODE + self._left.pop()[indent:]).rstrip())
        del self._left[-1:]
        return found

    def _item(self, mark: str, first: str) -> list[str]:
        self._left.pop()
        text = [first]
        while self._left and self._left[-1].startswith(" ") and _goes_on(self._left[-1]):
            text.append(self._left.pop())
        return self._flowing(self._prose(text), mark)

    def _prose(self, lines: Sequence[str]) -> Prose:
        return prose(" ".join(lines), colour=self._colour)

    def _flowing(self, text: Prose, mark: str) -> list[str]:
        """A paragraph whose first line has a mark before it, and the others as much room."""
        room = min(self._width, LONGEST) - len(mark)
        lines = [line for line, _ in text.lines(room)]
        return [mark + lines[0], *(" " * len(mark) + line for line in lines[1:])]

    def _table(self, lines: Sequence[str]) -> list[str]:
        cells = [_CELL.split(line.strip().strip("|")) for line in lines]
        head, rows = cells[0], cells[2:]
        bold = [prose(_cell(each), colour=self._colour, bold=True) for each in head]
        filled = [[prose(_cell(each), colour=self._colour) for each in row] for row in rows]
        widths = _widths([bold, *filled], min(self._width, WIDEST))
        if widths is None:
            return list(self._records(bold, filled))
        shown = [_row(row, widths) for row in filled]
        apart = any(len(row) > 1 for row in shown)  # else one can't see where a row ends
        done = _row(bold, widths) if any(each.words for each in bold) else []
        if done:
            done.append(GAP.join("─" * wide for wide in widths))
        for number, row in enumerate(shown):
            done += ["", *row] if apart and number else row
        return done

    def _records(self, head: Sequence[Prose], rows: Sequence[Sequence[Prose]]) -> Iterator[str]:
        """Where there is no room for columns: each row with its first cell above the others."""
        if head[0].words:
            yield from self._flowing(head[0], "")
        for number, (first, *others) in enumerate(rows):
            if number or head[0].words:
                yield ""
            yield from self._flowing(first, "")
            for name, cell in zip_longest(head[1:], others):
                if cell and cell.words:
                    label = Prose((*name.words, *cell.words), self._colour) if name else cell
                    yield from self._flowing(label, CODE)


def _goes_on(line: str) -> bool:
    """Whether a line belongs to the paragraph that has begun before it."""
    begins = (_FENCE, _HEADING, _ITEM)
    return (
        bool(line.strip()) and not line.startswith("|") and not any(e.match(line) for e in begins)
    )


def _cell(markdown: str) -> str:
    return markdown.strip().replace("\\|", "|")


def _widths(rows: Sequence[Sequence[Prose]], width: int) -> list[int] | None:
    """How many columns of text each column of a table has; None: there is no room for columns."""
    columns = list(zip(*rows, strict=True))
    room = width - len(GAP) * (len(columns) - 1)
    wanted = [max(cell.length for cell in column) for column in columns]
    if sum(wanted) <= room:
        return wanted
    least = [max(cell.longest for cell in column) for column in columns]
    over = room - sum(least)
    if over < 0:
        return None
    missing = [most - few for most, few in zip(wanted, least, strict=True)]
    return [few + over * more // sum(missing) for few, more in zip(least, missing, strict=True)]


def _row(cells: Sequence[Prose], widths: Sequence[int]) -> list[str]:
    columns = [cell.lines(wide) for cell, wide in zip(cells, widths, strict=True)]
    return [
        GAP.join(
            text + " " * (wide - used) for (text, used), wide in zip(line, widths, strict=True)
        ).rstrip()
        for line in zip_longest(*columns, fillvalue=("", 0))
    ]
