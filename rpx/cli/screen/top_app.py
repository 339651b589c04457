"""The screen of `rpx top`, as an application of textual."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from functools import partial
from typing import ClassVar, Final

from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input, Static

from rpx.cli.screen.actions import Action, Reply, action_of, scaling
from rpx.cli.screen.bars import about_line, all_line, head_line, key_line, reason_lines, status_line
from rpx.cli.screen.columns import SORTED_BY_KEY, SortOrder, matches
from rpx.cli.screen.copies_table import CopiesTable
from rpx.cli.screen.dialogs import AskFirst, Keys
from rpx.cli.screen.lines_pane import LinesPane
from rpx.cli.screen.printed_lines import ALL
from rpx.cli.screen.project_watch import Watched
from rpx.cli.screen.seen import CopySeen, Meter, Seen, Totals

TICK: Final = 0.1  # seconds between two looks at what the threads have found
SECOND: Final = 1.0  # after which ages have changed
COUNTS: Final = 0.6  # seconds in which presses of + and - are one order
ENDS_WITHIN: Final = 2.0  # seconds for a terminal to be given back that may have gone
ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class TopApp(App[int]):
    """Shows what is `watched`. Its return value is an exit code."""

    CSS = """
    Static { height: auto; link-color: ansi_default; link-style: none;
      link-color-hover: ansi_default; link-style-hover: reverse;
      link-background-hover: ansi_default; }
    CopiesTable, LinesPane { scrollbar-background: ansi_default; scrollbar-color: ansi_bright_black;
      scrollbar-background-hover: ansi_default; scrollbar-color-hover: ansi_blue;
      scrollbar-background-active: ansi_default; scrollbar-color-active: ansi_blue; }
    #head { height: 1; }
    CopiesTable { max-height: 50%; }
    Screen.alone CopiesTable { display: none; }
    #reason { max-height: 4; padding: 0 1; }
    #status { max-height: 4; padding: 0 1; }
    #filter { display: none; height: 1; border: none; padding: 0 1; }
    """
    ENABLE_COMMAND_PALETTE = False
    ENABLE_SELECT_AUTO_SCROLL = False
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        ("r", "order('restart')"),
        ("s", "order('stop')"),
        ("k", "order('kill-backend')"),
        ("p", "order('pause-backend')"),
        ("plus,equals_sign", "scale(1)"),
        ("minus", "scale(-1)"),
        Binding("slash", "filter", priority=True),  # before the keys behind it are given to anybody
        ("question_mark,h,f1", "keys"),
        ("q", "leave(0)"),
        ("enter", "alone"),
        ("escape", "plain"),
        ("a", "everybody"),
        ("less_than_sign", "sort(-1)"),
        ("greater_than_sign", "sort(1)"),
        ("O", "sort_by('')"),
        *((key, f"sort_by('{heading}')") for key, heading in SORTED_BY_KEY.items()),
        Binding("ctrl+c", "leave(130)", priority=True),
        Binding("ctrl+z", "suspend_process", priority=True),
    ]

    def __init__(self, watched: Watched, *, colour: bool) -> None:
        super().__init__(ansi_color=True)
        self._watched = watched
        self._colour = colour
        self._meter = Meter()
        self._seen: Seen | None = None
        self._copies: list[CopySeen] = []
        self._totals = Totals(0, 0, 0, 0.0, 0, 0, 0.0, 0)
        self._drawn = 0.0
        self._order = SortOrder()
        self._everybody = False
        self._copies_with = ""  # words that copies are filtered by
        self._lines_with = ""
        self._filters_lines = False  # the field is for those, and not for copies
        self._told: Reply | None = None
        self._scales: dict[str, Action] = {}  # by service: what is about to be asked
        self._said = ""
        self._head = Static(id="head")
        self._table = CopiesTable(colour=colour)
        self._about = Static()
        self._reason = Static(id="reason")
        self._pane = LinesPane(watched.printed, colour=colour)
        self._status = Static(id="status")
        self._field = Input(
            id="filter", placeholder="words; -word: without it", select_on_focus=False
        )
        self._keys = Static(id="keys")

    def compose(self) -> ComposeResult:
        """Put the screen together, from top to bottom."""
        yield from (self._head, self._table, self._about, self._reason, self._pane)
        yield from (self._status, self._field, self._keys)

    def on_mount(self) -> None:
        """Begin to look."""
        loop = asyncio.get_running_loop()
        for signum in ENDING:
            loop.add_signal_handler(signum, partial(self._end_by, signum))
        self._watched.begin()
        self._table.focus()
        self._tick()
        self.set_interval(TICK, self._tick)

    def on_resize(self, _event: events.Resize) -> None:
        """Fit the lines around; the panes do so themselves."""
        self._draw_bars()

    def on_copies_table_selected(self) -> None:
        """Show what the chosen copy prints."""
        self._look_at_lines()
        self._draw_bars()

    def on_copies_table_sorted(self, message: CopiesTable.Sorted) -> None:
        """Sort by a column that was clicked."""
        self.action_sort_by(message.heading)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Filter while it is typed."""
        if self._filters_lines:
            self._lines_with = message.value
        else:
            self._copies_with = message.value
        self._filter()

    def on_input_submitted(self) -> None:
        """Keep the filter."""
        self._close_filter()

    def check_action(self, action: str, _parameters: tuple[object, ...]) -> bool:
        """Leave `/` to who takes text, or stands above the screen."""
        return action != "filter" or (len(self.screen_stack) == 1 and not self._field.display)

    def action_leave(self, code: int) -> None:
        """Give the terminal back."""
        self.exit(code)

    def action_order(self, verb: str) -> None:
        """Ask for something that is about the marked copies, or the chosen one."""
        rows = [copy.row for copy in self._table.meant]
        if rows:
            self._ask(action_of(verb, rows))

    def action_scale(self, step: int) -> None:
        """Ask for more copies, or fewer, once no more presses come."""
        copy = self._table.chosen
        if copy is None or self._seen is None:
            return
        name = copy.row.name
        asked = self._scales.get(name)
        action = scaling(copy.row, self._seen.rows, step, asked.copies if asked else None)
        self._scales[name] = action
        self._tell(Reply(f"{action.command} …"))
        self.set_timer(COUNTS, lambda: self._scale(name, action))

    def action_filter(self) -> None:
        """Ask for words."""
        self._filters_lines = self._pane.has_focus or self._alone
        field = self._field
        with self.prevent(Input.Changed):
            field.value = self._lines_with if self._filters_lines else self._copies_with
        field.display = True
        self.screen.set_focus(field)  # not focus(): what is typed at once is for it, too
        field.cursor_position = len(field.value)

    def action_keys(self) -> None:
        """Show the keys."""
        self.push_screen(Keys())

    def action_alone(self) -> None:
        """Show the output alone, or the table again."""
        self.screen.toggle_class("alone")
        (self._pane if self._alone else self._table).focus()

    def action_plain(self) -> None:
        """Take back filters, marks and the output alone, in this order."""
        if self._field.display:
            self._close_filter()
            if self._filters_lines:
                self._lines_with = ""
            else:
                self._copies_with = ""
        elif self._copies_with or self._lines_with:
            self._copies_with = self._lines_with = ""
        elif self._table.marked:
            self._table.marked.clear()
        elif self._alone:
            self.action_alone()
        self._filter()

    def action_everybody(self) -> None:
        """Show the output of all, or of the chosen copy."""
        self._everybody = not self._everybody
        self._look_at_lines()
        self._draw_bars()

    def action_sort(self, steps: int) -> None:
        """Sort by the next column, or the one before."""
        self._order = self._order.moved(steps)
        self._draw_table()

    def action_sort_by(self, heading: str) -> None:
        """Sort by this column; again, the other way round."""
        self._order = self._order.by(heading) if heading else SortOrder()
        self._draw_table()

    def _fatal_error(self) -> None:
        """End at a mistake of ours without textual's traceback: whoever has begun it says so."""
        self._close_messages_no_wait()

    @property
    def mistake(self) -> BaseException | None:
        """What has ended it, if that was a mistake of ours."""
        return self._exception or self._watched.error

    @property
    def _alone(self) -> bool:
        return bool(self.screen_stack[0].has_class("alone"))

    def _tick(self) -> None:
        """Show what has been found since the last time."""
        if self._watched.error is not None:
            self.exit(1)
            return
        now = time.monotonic()
        if self._watched.seen is not self._seen:
            if self._watched.seen.ended:
                self._told = None  # what came of it is of no interest any more
            self._seen = self._watched.seen
            self._copies, self._totals = self._meter.take(self._seen)
            self._pane.know(row.name for row in self._seen.rows)
            self._draw_table()
        elif now - self._drawn >= SECOND:
            self._draw_table()
        self._watched.printed.look()
        self._pane.take()
        while self._watched.news:
            self._tell(self._watched.news.popleft())
        self._draw_status()

    def _draw_table(self) -> None:
        words = self._copies_with.lower().split()
        self._drawn = time.monotonic()
        copies = [copy for copy in self._order.of(self._copies) if matches(copy, words)]
        empty = "no copy has these words; Esc shows all" if words else "nothing runs here yet"
        self._table.show(copies, self._order, empty)
        self._draw_bars()

    def _draw_bars(self) -> None:
        if self._seen is None:
            return
        width, copy = self.size.width, self._table.chosen
        self._head.update(head_line(self._seen, self._totals, width, colour=self._colour))
        what = self._pane_title()
        if copy is None or self._everybody:
            self._about.update(all_line(what, width))
            self._reason.display = False
        else:
            reason = reason_lines(copy, self._seen, colour=self._colour)
            self._about.update(about_line(copy, what, width, colour=self._colour))
            self._reason.update(reason)
            self._reason.display = bool(reason)
        self._keys.update(key_line(copy, len(self._table.marked), width))

    def _pane_title(self) -> str:
        copy = self._table.chosen
        title = "all output" if self._everybody or copy is None else copy.row.label
        for what, words in (("copies", self._copies_with), ("lines", self._lines_with)):
            if words.strip():
                title += f" [{what} with {words.strip()}]"
        return title if self._pane.follows else f"{title} (f follows)"

    def _draw_status(self) -> None:
        waits = self._watched.waits if self._watched.under_way else ""
        line = status_line(self._told, waits, colour=self._colour)
        if line.markup != self._said:
            self._said = line.markup
            self._status.update(line)

    def _look_at_lines(self) -> None:
        copy = self._table.chosen
        label = ALL if self._everybody or copy is None else copy.row.label
        self._pane.look_at(label, self._lines_with.lower().split())

    def _filter(self) -> None:
        self._draw_table()
        self._look_at_lines()
        self._draw_bars()

    def _close_filter(self) -> None:
        self.screen.set_focus(self._pane if self._filters_lines else self._table)
        self._field.display = False

    def _ask(self, action: Action) -> None:
        if not action.question:
            self._give(action, confirmed=True)
        else:
            self.push_screen(
                AskFirst(action.question, action.command),
                lambda yes: self._give(action, confirmed=bool(yes)),
            )

    def _give(self, action: Action, *, confirmed: bool) -> None:
        if not confirmed:
            self._tell(Reply("nothing was done"))
            return
        self._tell(Reply(f"{action.command} …"))
        self._table.marked.clear()
        self._watched.order(action)
        self._draw_bars()

    def _scale(self, name: str, action: Action) -> None:
        """Give the order, unless another press has come since."""
        if self._scales.get(name) is action:
            del self._scales[name]
            self._watched.order(action)

    def _tell(self, told: Reply) -> None:
        self._told = told
        self._draw_status()

    def _end_by(self, signum: signal.Signals) -> None:
        """End by a signal, also where the terminal has gone, and takes nothing any more."""
        code = 128 + signum
        last = threading.Timer(ENDS_WITHIN, os._exit, (code,))
        last.daemon = True
        last.start()
        self.exit(code)
