"""The pane with what was printed: follows the last line, unless one has scrolled up."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import ClassVar, Final, NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rpx.cli.screen.pane_rows import PaneLine, has_words, parts
from rpx.cli.screen.printed_lines import ALL, PrintedLines
from rpx.cli.terminal.screen import PALETTE
from rpx.model.breadth import breadth
from rpx.model.status import OWN_WORDS

PLAIN: Final = Style()
TIME: Final = Style(dim=True)
FOUND: Final = Style(bold=True, underline=True)
CLOCK: Final = "12:00:00.000 "
MOST_OF_LABEL: Final = 24  # columns of text


class PaneRow(NamedTuple):
    """A row: some characters of a line."""

    line: PaneLine
    start: int
    end: int


class LinesPane(ScrollView):
    """Shows the lines of one speaker, or of all, that have certain words."""

    DEFAULT_CSS = """
    LinesPane { height: 1fr; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """
    ALLOW_SELECT = False
    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [("end,f", "follow"), ("w", "wrap"), ("t", "times")]

    def __init__(self, printed: PrintedLines, *, colour: bool) -> None:
        super().__init__()
        self._printed = printed
        self._colour = colour
        self._label = ALL
        self._words: tuple[str, ...] = ()
        self._rows: deque[PaneRow] = deque()
        self._last = 0  # the number of the last line that was looked at
        self._follows = True
        self._wraps = True
        self._times = False
        self._beside = 0  # columns of text before each line
        self._names: list[str] = []  # services, in the order of their colours

    @property
    def follows(self) -> bool:
        """Whether the last line is in sight, and will be."""
        return self._follows

    def know(self, names: Iterable[str]) -> None:
        """Give these services the colours that `rpx up` gives them; others have the next ones."""
        self._names = list(dict.fromkeys([*names, *self._names]))

    def look_at(self, label: str, words: Sequence[str]) -> None:
        """Show the lines of this speaker, or ALL, that have these words."""
        if (label, tuple(words)) != (self._label, self._words):
            self._label, self._words = label, tuple(words)
            self._follows = True
            self._anew()

    def take(self) -> None:
        """Take in the lines that have come."""
        new = self._printed.after(self._label, self._last)
        if not new:
            return
        lines = [
            PaneLine(line, colour=self._colour) for line in new if has_words(line.text, self._words)
        ]
        beside = max(map(self._takes, {line.label for line in lines}), default=0)
        if beside > self._beside:
            self._beside = beside
            if self._rows:  # those were broken for less
                lines = [*dict.fromkeys(row.line for row in self._rows), *lines]
                self._rows.clear()
        self._last = new[-1].number
        self._add(lines)
        self._forget(self._printed.first(self._label))

    def action_follow(self) -> None:
        """Go to the last line, and stay there."""
        self._follows = True
        self._to_end()

    def action_wrap(self) -> None:
        """Break long lines, or cut them."""
        self._wraps = not self._wraps
        self._anew()

    def action_times(self) -> None:
        """Show when each line was printed, or not."""
        self._times = not self._times
        self._anew()

    def on_resize(self) -> None:
        """Break lines where they end now."""
        self._anew()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow what comes only while the last line is in sight."""
        super().watch_scroll_y(old_value, new_value)
        self._follows = new_value >= self.max_scroll_y

    def render_line(self, y: int) -> Strip:
        """Draw one row."""
        width = self.size.width
        place = y + self.scroll_offset.y
        if place >= len(self._rows):
            return Strip.blank(width, PLAIN)
        line, start, end = self._rows[place]
        text = line.part(start, end)
        if words := [word for word in self._words if not word.startswith("-")]:
            text.highlight_words(words, FOUND, case_sensitive=False)
        before = self._before(line) if not start else [Segment(" " * self._beside)]
        strip = Strip([*before, *text.render(self.app.console)])
        return strip.adjust_cell_length(width, PLAIN)

    def _anew(self) -> None:
        self._rows.clear()
        self._last = 0
        self._beside = 0
        self.virtual_size = Size(self.size.width, 0)
        self.take()
        self.refresh()

    def _add(self, lines: Iterable[PaneLine]) -> None:
        if not self._wraps:
            self._rows.extend(PaneRow(line, 0, len(line.plain)) for line in lines)
            return
        width = max(1, self.size.width - self.scrollbar_size_vertical - self._beside)
        self._rows.extend(
            PaneRow(line, start, end) for line in lines for start, end in parts(line.plain, width)
        )

    def _forget(self, first: int) -> None:
        """Leave out the rows of lines before this number, and show what there is."""
        gone = 0
        while self._rows and self._rows[0].line.number < first:
            self._rows.popleft()
            gone += 1
        follows = self._follows
        self.virtual_size = Size(self.size.width, len(self._rows))
        if follows:
            self._to_end()
        elif gone:  # the same lines stay in sight
            self.scroll_to(y=max(0, self.scroll_offset.y - gone), animate=False)
        self._follows = follows
        self.refresh()

    def _to_end(self) -> None:
        self.scroll_to(y=self.max_scroll_y, animate=False, force=True)

    def _takes(self, label: str) -> int:
        """How many columns of text stand before a line of this speaker."""
        named = min(breadth(label), MOST_OF_LABEL) + len(" | ")
        return (len(CLOCK) if self._times else 0) + (named if self._label == ALL else 0)

    def _before(self, line: PaneLine) -> list[Segment]:
        """When it was printed, and by whom, where that is to be seen."""
        found = [Segment(f"{line.clock} ", TIME)] if self._times else []
        if self._label != ALL:
            return found
        label = line.label
        while breadth(label) > MOST_OF_LABEL:
            label = f"…{label[2:]}"
        wide = self._beside - (len(CLOCK) if self._times else 0) - len(" | ")
        gap = " " * (wide - breadth(label))
        return [*found, Segment(f"{label}{gap} | ", self._style(line.label))]

    def _style(self, label: str) -> Style:
        if not self._colour or label == OWN_WORDS:
            return Style(bold=True)
        name = label.partition(":")[0]
        if name not in self._names:
            self._names.append(name)
        colour = PALETTE[self._names.index(name) % len(PALETTE)]
        return Style(color=colour)
