"""The columns of the table: what stands in them, what goes first where there is no room, order."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rpx.cli.commands.ps import COLOURS
from rpx.cli.screen.seen import CopySeen
from rpx.cli.terminal.output import age, size
from rpx.errors import visible
from rpx.model.breadth import breadth
from rpx.model.figures import Figures

GAP: Final = 2
ROOMY: Final = 150  # columns of text, from which on cells say all
BARS: Final = "▁▂▃▄▅▆▇█"
SHAPES: Final = {
    "ready": "●",
    "completed": "✓",
    "starting": "◐",
    "waiting": "◌",
    "draining": "◑",
    "stopping": "◑",
    "backoff": "↻",
    "unhealthy": "▲",
    "failed": "✕",
    "stopped": "○",
    "paused": "‖",
}
NONE: Final = "-"

Text = Callable[[CopySeen], str]
Key = Callable[[CopySeen], Any]


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """`rank` 0: never left out; of the others the one with the highest goes first.

    `least`: columns of text that it has anyway, so that the table stands still. `colour`: of a
    cell, by name, or none. `rising`: what is smallest is at the top when one sorts by it.
    """

    heading: str
    text: Text
    key: Key
    rank: int = 0
    least: int = 0
    right: bool = True
    rising: bool = False
    colour: Text = lambda _: ""
    short: Text | None = None  # says the same in less, for where there is no room
    brief: str = ""  # the heading there

    def headed(self, *, short: bool) -> str:
        """Return its heading as it is shown."""
        return self.brief if short and self.brief else self.heading

    def shown(self, copy: CopySeen, *, short: bool) -> str:
        """Return what stands in a cell, on one line, without what would move the cursor."""
        text = (self.short if short and self.short else self.text)(copy)
        return visible(text).replace("\n", "\\n").replace("\t", " ")


def _figure(read: Callable[[Figures], str]) -> Text:
    return lambda copy: NONE if copy.figures is None else read(copy.figures)


def _number(read: Callable[[Figures], float]) -> Key:
    return lambda copy: -1.0 if copy.figures is None else read(copy.figures)


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def _state(copy: CopySeen) -> str:
    row = copy.row
    text = f"{row.state} (external)" if row.external else row.state
    return text + "".join(f" for {each.name}" for each in row.waiting_for[:1])


def _bars(copy: CopySeen) -> str:
    if copy.figures is None:
        return ""
    most = max([*copy.minute, 1e-9])
    steps = len(BARS) - 1
    return "".join(" " if not each else BARS[round(each / most * steps)] for each in copy.minute)


def state_colour(copy: CopySeen) -> str:
    """Return the colour of the state, as `rpx ps` has it; empty: none."""
    return COLOURS.get(copy.row.state, "")


def _bad(is_bad: Callable[[CopySeen], bool], colour: str) -> Text:
    return lambda copy: colour if is_bad(copy) else ""


COLUMNS: Final = (
    ShownColumn(
        "NAME",
        lambda copy: f"{SHAPES.get(copy.row.state, '○')} {copy.row.label}",
        lambda copy: copy.row.label,
        least=12,
        right=False,
        rising=True,
        colour=state_colour,
    ),
    ShownColumn(
        "STATE",
        _state,
        lambda copy: copy.row.state,
        least=9,
        right=False,
        rising=True,
        colour=state_colour,
        short=lambda copy: copy.row.state,
    ),
    ShownColumn(
        "SINCE",
        lambda copy: age(time.time() - copy.row.since),
        lambda copy: -copy.row.since,
        rank=4,
        least=5,
        rising=True,
    ),
    ShownColumn(
        "REQ/S",
        lambda copy: NONE if copy.figures is None else f"{copy.rate:.1f}",
        lambda copy: copy.rate,
        rank=1,
        least=6,
    ),
    ShownColumn(
        "LAST MINUTE",
        _bars,
        lambda copy: sum(copy.minute),
        rank=9,
        least=20,
        right=False,
        colour=lambda _: "cyan",
    ),
    ShownColumn(
        "REQUESTS", _figure(lambda f: str(f["requests"])), _number(lambda f: f["requests"]), rank=12
    ),
    ShownColumn("P50 ms", _figure(lambda f: _ms(f["p50"])), _number(lambda f: f["p50"]), rank=6),
    ShownColumn("P99 ms", _figure(lambda f: _ms(f["p99"])), _number(lambda f: f["p99"]), rank=5),
    ShownColumn(
        "ERRORS",
        _figure(lambda f: str(f["errors"])),
        _number(lambda f: f["errors"]),
        rank=2,
        brief="ERR",
        colour=_bad(lambda copy: copy.figures is not None and copy.figures["errors"] > 0, "red"),
    ),
    ShownColumn(
        "NOW",
        lambda copy: str(copy.row.in_flight) if copy.row.backend else NONE,
        lambda copy: copy.row.in_flight,
        rank=7,
        least=4,
    ),
    ShownColumn("HELD", _figure(lambda f: str(f["held"])), _number(lambda f: f["held"]), rank=8),
    ShownColumn(
        "CPU %",
        lambda copy: NONE if copy.cpu is None else f"{copy.cpu:.1f}",
        lambda copy: -1.0 if copy.cpu is None else copy.cpu,
        rank=1,
        least=6,
    ),
    ShownColumn(
        "MEMORY",
        lambda copy: NONE if copy.row.memory is None else size(copy.row.memory),
        lambda copy: copy.row.memory or -1,
        rank=3,
        brief="MEM",
        least=5,
    ),
    ShownColumn(
        "RESTARTS",
        lambda copy: NONE if copy.row.external else str(copy.row.restarts),
        lambda copy: copy.row.restarts,
        rank=4,
        brief="RST",
        colour=_bad(lambda copy: copy.row.restarts > 0, "yellow"),
    ),
    ShownColumn("PID", lambda copy: str(copy.row.pid or NONE), lambda c: c.row.pid or 0, rank=10),
    ShownColumn(
        "URL",
        lambda copy: copy.row.url or NONE,
        lambda copy: copy.row.url or "",
        rank=11,
        right=False,
        rising=True,
    ),
)
SORTED_BY_KEY: Final = {
    "N": "NAME",
    "R": "REQ/S",
    "L": "P99 ms",
    "E": "ERRORS",
    "C": "CPU %",
    "M": "MEMORY",
}


@dataclass(frozen=True, slots=True)
class SortOrder:
    """By which column, "" for that of rpx.yaml, and whether the other way round."""

    heading: str = ""
    turned: bool = False

    def of(self, copies: Sequence[CopySeen]) -> list[CopySeen]:
        """Return the copies sorted; equal ones as they were."""
        column = next((each for each in COLUMNS if each.heading == self.heading), None)
        if column is None:
            return list(copies)[:: -1 if self.turned else 1]
        return sorted(copies, key=column.key, reverse=column.rising == self.turned)

    def moved(self, steps: int) -> SortOrder:
        """Return the order by the next column, or the one before."""
        names = ["", *(column.heading for column in COLUMNS)]
        return SortOrder(names[(names.index(self.heading) + steps) % len(names)])

    def by(self, heading: str) -> SortOrder:
        """Return the order by this column; turned round, if it is that already."""
        return SortOrder(heading, heading == self.heading and not self.turned)


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown, how many columns of text it has, and whether it says less."""

    column: ShownColumn
    width: int
    short: bool

    @property
    def heading(self) -> str:
        """Return what stands above it."""
        return self.column.headed(short=self.short)

    def cell(self, copy: CopySeen) -> str:
        """Return what stands there."""
        return self.column.shown(copy, short=self.short)


def placed(copies: Sequence[CopySeen], width: int, before: Mapping[str, int]) -> list[Placed]:
    """Return the columns that have room in so many columns of text.

    `before`: how wide each was; none becomes narrower, or all of them would tremble.
    """
    short = width < ROOMY
    wide = {
        column.heading: max(
            breadth(column.headed(short=short)),
            column.least,
            before.get(column.heading, 0),
            *(breadth(column.shown(copy, short=short)) for copy in copies),
        )
        for column in COLUMNS
    }
    chosen: set[str] = set()
    left = width
    for column in sorted(COLUMNS, key=lambda each: each.rank):
        takes = wide[column.heading] + (GAP if chosen else 0)
        if takes <= left or not column.rank:
            chosen.add(column.heading)
            left -= takes
    return [Placed(each, wide[each.heading], short) for each in COLUMNS if each.heading in chosen]


def matches(copy: CopySeen, words: Sequence[str]) -> bool:
    """Tell whether each of these words, in small letters, is in what is said of a copy."""
    row = copy.row
    text = f"{row.label} {row.state} {row.url or ''} {row.backend or ''} {row.pid or ''}".lower()
    return all(
        word[1:] not in text if word.startswith("-") and len(word) > 1 else word in text
        for word in words
    )
