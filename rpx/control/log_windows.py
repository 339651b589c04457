"""What the control API says of output as one long list by time: windows of it, never the whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from starlette.requests import Request
from starlette.responses import Response

from rpx.control.json_answer import Json
from rpx.control.operations import Misshapen, Operation, Query, seconds, whole_number
from rpx.hub.registry import Registry
from rpx.journal.form import JournalLine, stamp
from rpx.journal.timeline import Choice, LogWindow, Timeline
from rpx.model.escapes import without_escapes
from rpx.model.log_rows import LogRows
from rpx.model.status import Printed
from rpx.policy.log_level import LEVELS, at_least, level_of
from rpx.policy.naming import heard, names_of

MOST: Final = 500  # lines of a window
USUAL: Final = 100
LONGEST: Final = 4000  # characters of a line
PACE: Final = 0.25  # seconds between two looks of who follows
PATIENCE: Final = 15.0  # seconds that one waits for another line
AGAIN: Final = 1.0  # a disk may be behind
BEHIND: Final = 2.0  # seconds; files that are so far behind are not kept at the moment
LAST: Final = 253_402_300_799.0  # the last second of the year 9999: a later one can't be written
_FAR: Final = 10**15


class LogWindows:
    """The endpoint, over the files of a run; over what is in memory, where there are none."""

    def __init__(self, registry: Registry, timeline: Timeline | None) -> None:
        self._registry = registry
        self._timeline = timeline
        self._one = trio.CapacityLimiter(1)  # thread reads the timeline at once

    def operations(self) -> list[Operation]:
        """What may be asked of them."""
        return [
            Operation(
                "/v1/logs/window",
                "Some lines in a row of all output by time, as text without escape sequences.",
                self.window,
                LogRows,
                query=[
                    Query("name", "A backend or service; all without it.", repeated=True),
                    Query("without", "A label that is left out.", repeated=True),
                    Query("level", "At least so much.", words=("debug", "info", "warn", "error")),
                    Query("search", "A text that they have, in whatever case."),
                    Query(
                        "first", "The number of the first line; the last ones without.", "integer"
                    ),
                    Query("count", "So many, 500 at most.", "integer"),
                    Query("at", "Those around a time, in seconds since the epoch.", "number"),
                    Query("newer", "Wait until `end` is another number than this.", "integer"),
                ],
            )
        ]

    async def window(self, request: Request) -> Response:
        """A window of those that are chosen, once there is another `end` than `newer`."""
        asked = request.query_params
        choice = self._choice(request)
        first = whole_number(request, "first", _FAR) if "first" in asked else None
        count = whole_number(request, "count", MOST) if "count" in asked else USUAL
        at = min(seconds(request, "at", 0.0), LAST) if "at" in asked else None
        newer = whole_number(request, "newer", _FAR) if "newer" in asked else None
        found = await self._found(choice, first, count, at)
        if newer is not None and found.counted == 1 and found.end == newer:
            printed = _Sign()
            with self._registry.lines.feed(printed), trio.move_on_after(PATIENCE):
                while found.end == newer:
                    with trio.move_on_after(AGAIN):
                        await printed.more.wait()
                    printed.more = trio.Event()
                    await trio.sleep(PACE)
                    found = await self._found(choice, first, count, at)
        return Json(found._asdict() | {"lines": list(map(_row, found.lines))})

    async def _found(
        self, choice: Choice, first: int | None, count: int, at: float | None
    ) -> LogWindow:
        timeline = self._timeline
        if timeline is not None:
            found = await trio.to_thread.run_sync(
                timeline.window, choice, first, count, at, limiter=self._one
            )
            if timeline.latest >= stamp(max(0.0, self._latest() - BEHIND)):
                return found
        return self._in_memory(choice, first, count, at)

    def _choice(self, request: Request) -> Choice:
        """Raises: UsageError: nobody is called like that. Misshapen: there is no such level."""
        asked = request.query_params
        names, without = asked.getlist("name"), frozenset(asked.getlist("without"))
        level, search = asked.get("level", ""), asked.get("search", "").casefold()
        if level and level not in LEVELS:
            raise Misshapen(f"`level` is none of {', '.join(LEVELS)}: {level}")
        speakers = [names_of(backend.spec) for backend in self._registry.speakers]
        is_heard = heard(speakers, names, own=not names)
        key = (tuple(sorted(names)), without, level, search)
        if not any(key):
            return Choice(key, None)
        return Choice(key, _wanted(is_heard, without, level, search), search)

    def _latest(self) -> float:
        rings = [each.lines for each in self._registry.speakers if each.lines is not None]
        return max(ring.latest for ring in [*rings, self._registry.words])

    def _in_memory(
        self, choice: Choice, first: int | None, count: int, at: float | None
    ) -> LogWindow:
        """The same of what is in memory, whose numbers begin with 0 at any time."""
        rings = [each.lines for each in self._registry.speakers if each.lines is not None]
        printed = [each for ring in [*rings, self._registry.words] for each in ring.chunks()]
        lines = [
            JournalLine(stamp(each.at), each.label, text)
            for each in sorted(printed, key=lambda each: each.at)
            for text in each.text.split(b"\n")[:-1]
        ]
        if choice.wanted is not None:
            lines = list(filter(choice.wanted, lines))
        if at is not None:
            first = sum(1 for line in lines if line.stamp < stamp(at)) - count // 2
        elif first is None:
            first = len(lines) - count
        first = max(0, min(first, len(lines)))
        return LogWindow(first, 0, len(lines), 1.0, lines[first : first + count])


class _Sign:
    """A sink that only knows whether something has come."""

    def __init__(self) -> None:
        self.more = trio.Event()

    def put(self, _printed: Printed) -> None:
        """Something has."""
        self.more.set()


def _wanted(
    is_heard: Callable[[str], bool], without: frozenset[str], level: str, search: str
) -> Callable[[JournalLine], bool]:
    labels: dict[str, bool] = {}

    def wanted(line: JournalLine) -> bool:
        known = labels.get(line.label)
        if known is None:
            known = labels[line.label] = line.label not in without and is_heard(line.label)
        if not known:
            return False
        if not search and not level:
            return True
        text = _text(line)
        return (not search or search in text.casefold()) and (
            not level or at_least(level_of(text), level)
        )

    return wanted


def _text(line: JournalLine) -> str:
    return without_escapes(line.text).decode("utf-8", "replace")


def _row(line: JournalLine) -> dict[str, object]:
    """A LogRow, as JSON."""
    text = _text(line)
    return {
        "label": line.label,
        "at": line.at,
        "text": text[:LONGEST],
        "level": level_of(text),
        "cut": len(text) > LONGEST,
    }
