"""The lines of a run as one list by time, from its files, of which only windows are read.

A list of a million lines is neither read nor sent as a whole. The files are cut into pages, which
begin and end at the same times in all of them: a page knows where its lines stand and how many they
are, so that the line of a number is found by adding. Whoever wants some of the lines only (of a
label, with a text) is told how many of them each page has, once that page has been read.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Final, NamedTuple

from rpx.journal.form import JournalLine, stamp
from rpx.journal.log_pages import LogPage, LogPages

BUDGET: Final = 0.2  # seconds that one look may take to count, before it says what it has
NAP: Final = 0.001  # between two pages: a thread that computes holds up requests
READ: Final = 8  # pages that are kept as lines, for who scrolls
VIEWS: Final = 8  # choices whose counts are kept

Wanted = Callable[[JournalLine], bool]


class Choice(NamedTuple):
    """Which lines are wanted. `key` tells choices apart; `text`: one that all of them have, in
    whatever case; `wanted` None: all are.
    """

    key: Hashable
    wanted: Wanted | None
    text: str = ""


class LogWindow(NamedTuple):
    """Some lines in a row, the first of which has the number `first`. There are those from `begin`
    up to `end`; `counted` is how much of all has been looked through for them, 1 for all.
    """

    first: int
    begin: int
    end: int
    counted: float
    lines: list[JournalLine]


@dataclass(slots=True)
class _View:
    """How many lines of a choice each page has, with the version of the page. `gone`: in pages that
    are no longer there.
    """

    counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    gone: int = 0

    def know(self, number: int, version: int, count: int) -> None:
        """So many lines of the choice are in a page. If there were more, their file has gone."""
        self.gone += max(0, self.counts.get(number, (0, 0))[1] - count)
        self.counts[number] = version, count

    def forget(self, before: int) -> None:
        """Let go of pages before this one."""
        for number in [number for number in self.counts if number < before]:
            self.gone += self.counts.pop(number)[1]


class Timeline:
    """The lines of a folder since a time (seconds since the epoch). One thread may use it at once.

    Numbers of lines stay what they are while files are added to, and while old files go.
    """

    def __init__(self, folder: Path, since: float) -> None:
        self._pages = LogPages(folder, since)
        self._views: OrderedDict[Hashable, _View] = OrderedDict()
        self._read: OrderedDict[tuple[Hashable, int], tuple[int, list[JournalLine]]] = OrderedDict()

    def window(
        self, choice: Choice, first: int | None, count: int, at: float | None = None
    ) -> LogWindow:
        """Return `count` lines from `first` on, or the last ones (None), or those around a time."""
        self._pages.look()
        view = self._view(choice.key)
        known = self._counted(choice, view)
        counts = [self._count(view, number) for number in range(known, self._pages.end)]
        ends = list(accumulate(counts, initial=view.gone))
        begin, end = ends[0], ends[-1]
        if at is not None:
            first = self._place(choice, known, ends, stamp(at)) - count // 2
        elif first is None:
            first = end - count
        first = max(begin, min(first, end))
        lines: list[JournalLine] = []
        number = known + bisect_right(ends, first) - 1
        skip = first - ends[min(number - known, len(ends) - 1)]
        while number < self._pages.end and len(lines) < count:
            lines += self._lines(choice, number)[skip : skip + count - len(lines)]
            number, skip = number + 1, 0
        pages = max(1, len(self._pages.pages))
        counted = (self._pages.end - known) / pages
        return LogWindow(first, begin, end, counted if self._pages.pages else 1.0, lines)

    @property
    def latest(self) -> bytes:
        """The time of the last line, as it stands in a file."""
        return self._pages.latest

    def _place(self, choice: Choice, known: int, ends: list[int], wanted: bytes) -> int:
        """The number of the first line of that time or later."""
        pages = self._pages.pages[known - self._pages.before :]
        place = max(0, bisect_right([page.first for page in pages], wanted) - 1)
        if place >= len(pages):
            return ends[-1]
        lines = self._lines(choice, known + place)
        return ends[place] + sum(1 for line in lines if line.stamp < wanted)

    # ---- counting

    def _view(self, key: Hashable) -> _View:
        view = self._views.pop(key, None) or _View()
        self._views[key] = view
        if len(self._views) > VIEWS:
            self._views.popitem(last=False)
        return view

    def _count(self, view: _View, number: int) -> int:
        return view.counts[number][1]

    def _counted(self, choice: Choice, view: _View) -> int:
        """Count from the newest page back, until the time is over; the first that is counted."""
        pages, until = self._pages, time.monotonic() + BUDGET
        view.forget(pages.before)
        for number in range(pages.end - 1, pages.before - 1, -1):
            page = pages.page(number)
            if view.counts.get(number, (-1, 0))[0] == page.version:
                continue
            if choice.wanted is None:
                view.know(number, page.version, page.lines)
                continue
            if time.monotonic() > until and number != pages.end - 1:
                return number + 1
            found = len(self._lines(choice, number)) if self._may_have(choice, page) else 0
            view.know(number, page.version, found)
            time.sleep(NAP)
        return pages.before

    def _may_have(self, choice: Choice, page: LogPage) -> bool:
        text = choice.text.lower()
        return not text.isascii() or not text or self._pages.may_have(page, text.encode())

    def _lines(self, choice: Choice, number: int) -> list[JournalLine]:
        """The lines of a page that are wanted, by time."""
        page, key = self._pages.page(number), (choice.key, number)
        version, lines = self._read.pop(key, (-1, []))
        if version != page.version:
            lines = self._pages.lines(page)
            if choice.wanted is not None:
                lines = list(filter(choice.wanted, lines))
        self._read[key] = page.version, lines
        if len(self._read) > READ:
            self._read.popitem(last=False)
        return lines
