"""Lines that were printed as rows of a pane: without what would steer the terminal, and broken."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from rich.text import Text

from rpx.cli.screen.printed_lines import PrintedLine
from rpx.model.breadth import breadth
from rpx.model.escapes import on_a_terminal

# What ends lines elsewhere, and what turns the direction of reading.
_TURNS: Final = dict.fromkeys([0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "�")
_SGR: Final = re.compile(r"\x1b\[[0-9;:]*m")
# What on_a_terminal leaves: colours and links.
_COLOUR: Final = re.compile(r"\x1b(?:\[[0-9;:]*m|\]8;[^\x07\x1b]*(?:\x07|\x1b\\))")
LEAST: Final = 10  # columns in which a line is broken


class PaneLine:
    """A line as it is shown. `plain` is its text, `_coloured` the same with colours, if it has."""

    __slots__ = ("_coloured", "at", "label", "number", "plain")

    def __init__(self, line: PrintedLine, *, colour: bool) -> None:
        self.number = line.number
        self.label = line.label
        self.at = line.at
        self.plain = line.text
        self._coloured = ""
        if line.text.isprintable():
            return
        plain = _SGR.sub("", line.text)
        if plain.isprintable():  # as most coloured lines; of many only the last ones are seen
            self.plain = plain
            self._coloured = line.text if colour else ""
            return
        raw = on_a_terminal(line.text.encode("utf-8", "surrogateescape"), colour=colour)
        self.plain = raw.decode("utf-8", "replace").translate(_TURNS).expandtabs()
        if "\x1b" in self.plain:
            self._coloured = self.plain
            self.plain = _COLOUR.sub("", self.plain)

    def part(self, start: int, end: int) -> Text:
        """Return some of its characters."""
        if not self._coloured:
            return Text(self.plain[start:end], no_wrap=True, end="")
        found = Text.from_ansi(self._coloured, no_wrap=True, end="")[start:end]
        found.end = ""
        return found

    @property
    def clock(self) -> str:
        """When it was printed, in local time."""
        at = datetime.fromtimestamp(self.at)  # noqa: DTZ006 - people look at it
        return at.isoformat(" ", "milliseconds").partition(" ")[2]


def parts(plain: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield beginning and end of each row of so many columns of text that a line takes."""
    width = max(width, LEAST)
    ascii_only = plain.isascii()  # one column each, which is most of what is printed
    if (len(plain) if ascii_only else breadth(plain)) <= width:
        yield 0, len(plain)
        return
    if ascii_only:
        yield from ((at, min(at + width, len(plain))) for at in range(0, len(plain), width))
        return
    start = used = 0
    for place, character in enumerate(plain):
        wide = breadth(character)
        if used + wide > width:
            yield start, place
            start, used = place, 0
        used += wide
    yield start, len(plain)


def has_words(text: str, words: Sequence[str]) -> bool:
    """Tell whether each of the words, in small letters, is in a line that was printed."""
    if not words:
        return True
    if "\x1b" in text:
        text = _SGR.sub("", text)  # a word may have colours within
    text = text.lower()
    return all(
        word[1:] not in text if word.startswith("-") and len(word) > 1 else word in text
        for word in words
    )
