"""The table of copies: one is chosen, some may be marked, and it is as wide as the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from rpx.cli.screen.columns import GAP, Placed, SortOrder, placed
from rpx.cli.screen.seen import CopySeen
from rpx.model.breadth import breadth

PLAIN: Final = Style()
HEADING: Final = Style(bold=True, dim=True)
CHOSEN: Final = Style(reverse=True, bold=True)
CHOSEN_ELSEWHERE: Final = Style(bold=True, underline=True)
EDGE: Final = 1  # columns of text beside a row


class CopiesTable(ScrollView):
    """Shows copies. Posts `Selected` when another one is chosen, `Sorted` at a heading's click."""

    DEFAULT_CSS = """
    CopiesTable { height: auto; overflow-x: hidden; scrollbar-size-vertical: 1; }
    """
    ALLOW_SELECT = False
    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [
        ("up", "move(-1)"),
        ("down", "move(1)"),
        ("pageup", "page(-1)"),
        ("pagedown", "page(1)"),
        ("home", "move(-100000)"),
        ("end", "move(100000)"),
        ("space", "mark"),
    ]

    class Selected(Message):
        """Another copy is chosen."""

    class Sorted(Message):
        """The heading of this column was clicked."""

        def __init__(self, heading: str) -> None:
            super().__init__()
            self.heading = heading

    def __init__(self, *, colour: bool) -> None:
        super().__init__()
        self.marked: set[str] = set()
        self._colour = colour
        self._copies: Sequence[CopySeen] = ()
        self._order = SortOrder()
        self._chosen = ""
        self._empty = ""
        self._place = 0
        self._placed: list[Placed] = []
        self._wide: dict[str, int] = {}

    @property
    def chosen(self) -> CopySeen | None:
        """The copy that is chosen; None: there is none."""
        return self._copies[self._place] if self._copies else None

    @property
    def meant(self) -> list[CopySeen]:
        """The marked copies, or else the chosen one."""
        found = [copy for copy in self._copies if copy.row.label in self.marked]
        return found or ([self.chosen] if self.chosen else [])

    def show(self, copies: Sequence[CopySeen], order: SortOrder, empty: str) -> None:
        """Show these, in this order. Who was chosen stays so, or who has its place.

        `empty`: what is said where there are none.
        """
        before, self._empty = self._chosen, empty
        self._copies, self._order = copies, order
        labels = [copy.row.label for copy in copies]
        self.marked &= set(labels)
        if self._chosen in labels:
            self._place = labels.index(self._chosen)
        else:
            self._place = max(0, min(self._place, len(labels) - 1))
        self._chosen = labels[self._place] if labels else ""
        self._lay_out()
        if self._chosen != before:
            self._keep_in_sight()
            self.post_message(self.Selected())

    def action_move(self, steps: int) -> None:
        """Choose another one."""
        if self._copies:
            self._choose(max(0, min(self._place + steps, len(self._copies) - 1)))

    def action_page(self, pages: int) -> None:
        """Choose the one that is a window's height away."""
        self.action_move(pages * max(1, self.size.height - 2))

    def action_mark(self) -> None:
        """Mark the chosen one, or not any more, and go to the next."""
        if self._chosen:
            self.marked ^= {self._chosen}
            self.action_move(1)
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Choose the copy, or sort by the column."""
        if event.y == 0:
            at = EDGE
            for each in self._placed:
                if at <= event.x < at + each.width + GAP:
                    self.post_message(self.Sorted(each.column.heading))
                at += each.width + GAP
        elif (place := event.y - 1 + self.scroll_offset.y) < len(self._copies):
            self._choose(place)

    def on_resize(self) -> None:
        """Give each column its place anew."""
        self._wide.clear()
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """Draw the headings, or a copy."""
        width = self.size.width
        if y == 0:
            return self._headings().adjust_cell_length(width, HEADING)
        place = y - 1 + self.scroll_offset.y
        if place >= len(self._copies):
            told = Segment(f" {self._empty}" if y == 1 else "", HEADING)
            return Strip([told]).adjust_cell_length(width, PLAIN)
        copy = self._copies[place]
        base = PLAIN
        if place == self._place:
            base = CHOSEN if self.has_focus else CHOSEN_ELSEWHERE
        return self._row(copy, base).adjust_cell_length(width, base)

    def _choose(self, place: int) -> None:
        if place != self._place:
            self._place = place
            self._chosen = self._copies[place].row.label
            self._keep_in_sight()
            self.refresh()
            self.post_message(self.Selected())

    def _keep_in_sight(self) -> None:
        seen = max(1, self.size.height - 1)
        top = self.scroll_offset.y
        if self._place < top:
            self.scroll_to(y=self._place, animate=False)
        elif self._place >= top + seen:
            self.scroll_to(y=self._place - seen + 1, animate=False)

    def _lay_out(self) -> None:
        if not self.size.width:  # it has no place yet
            return
        self.virtual_size = Size(self.size.width, max(1, len(self._copies)) + 1)
        self._placed = placed(self._copies, max(0, self.size.width - 2 * EDGE), self._wide)
        self._wide.update({each.column.heading: each.width for each in self._placed})
        self.refresh()

    def _headings(self) -> Strip:
        segments = [Segment(" " * EDGE, HEADING)]
        for each in self._placed:
            heading, style, gap = each.heading, HEADING, " " * GAP
            if each.column.heading == self._order.heading:
                falling = each.column.rising == self._order.turned
                style, arrow = Style(bold=True), "▾" if falling else "▴"
                if each.column.right:
                    gap = f"{arrow:<{GAP}}"
                else:
                    heading = f"{heading} {arrow}"
            segments.append(Segment(_aligned(heading, each), style))
            segments.append(Segment(gap, style))
        return Strip(segments)

    def _row(self, copy: CopySeen, base: Style) -> Strip:
        mark = "▌" if copy.row.label in self.marked else " "
        segments = [Segment(mark, base)]
        for each in self._placed:
            name = each.column.colour(copy) if self._colour and base is not CHOSEN else ""
            style = base + Style(color=name) if name else base
            segments.append(Segment(_aligned(each.cell(copy), each), style))
            segments.append(Segment(" " * GAP, base))
        return Strip(segments)


def _aligned(text: str, place: Placed) -> str:
    gap = " " * (place.width - breadth(text))
    return gap + text if place.column.right else text + gap
