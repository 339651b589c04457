"""Lines of output for an agent: searched, folded where they repeat, as many as have room."""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

from rpx.agents.bounded import plain, shortened, text_of
from rpx.agents.tool_answers import LineSeen, moment
from rpx.errors import UsageError
from rpx.journal.files import began, services
from rpx.journal.form import WIDTH, stamped
from rpx.journal.scan import scan
from rpx.model.answers import LogLines, read
from rpx.model.escapes import on_a_terminal
from rpx.policy.log_level import Levels, at_least, level_of, may_be_grave
from rpx.runs.api_client import ANSWERS_WITHIN, ApiClient
from rpx.runs.history import Said, Wanted, labels_of, labels_of_ended, said_by, services_of

MOST: Final = 5_000  # lines that are kept while one looks, before those that repeat are folded
LONGEST: Final = 1_000  # characters of a line; a stack in JSON may have a megabyte
FEWEST: Final = 70  # characters of the JSON of a line
ALL: Final = 999_999_999  # however many lines of a time there are
# What is other each time in lines that say the same again.
_TIMES: Final = re.compile(
    r"\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\d\d:\d\d:\d\d(?:[.,]\d+)?|\b1[5-9]\d{8}(?:\d{3}|\.\d+)?\b"
)


class LogCursor(NamedTuple):
    """A place among lines: behind so many of those of a time (seconds since the epoch)."""

    at: float
    lines: int

    def __str__(self) -> str:
        return f"{self.at:.6f}+{self.lines}"

    @classmethod
    def of(cls, text: str) -> LogCursor:
        """What an answer has given. Raises: UsageError."""
        found = cls.found_in(text)
        if found is None:
            raise UsageError(
                f"`{text}` is no cursor of `logs`", hint="leave it out: the last lines come then"
            )
        return found

    @classmethod
    def found_in(cls, text: str) -> LogCursor | None:
        """What an answer has given; None: it is something else."""
        found = re.fullmatch(r"([0-9]{1,12}\.[0-9]{6})\+([0-9]{1,9})", text)
        return None if found is None else cls(float(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for. `since`: oldest first from then on; None: the last ones."""

    wanted: Wanted
    text: str
    level: str | None
    since: float | None
    after: LogCursor | None

    @property
    def forwards(self) -> bool:
        """Oldest first, from somewhere on."""
        return self.after is not None or self.since is not None


@dataclass(frozen=True, slots=True)
class Found:
    """Lines in their order. `left`: there are more, before them or, forwards, behind."""

    lines: list[LineSeen]
    cursor: LogCursor
    left: bool


class _Kept(NamedTuple):
    at: float
    label: str
    number: int
    text: str


class _LogLook:
    """One look through memory and files, line by line."""

    def __init__(self, search: Search, folder: Path, room: int) -> None:
        self._search = search
        self._folder = folder
        self._enough = room // FEWEST + 1  # lines that have no more room, were they all short
        self._matches = 0
        self._glance = _glance(search)
        self._youngest = b""  # as it stands in a file
        self.latest = 0.0  # of all lines, in seconds since the epoch

    def of_running(self, client: ApiClient) -> Iterator[Said]:
        """What is in memory, then what is older and in the files alone, as far as it may count."""
        search, first, since = self._search, dict[str, float](), _since(self._search)
        query = {"name": list(search.wanted.names), "own": "false", "since": since or 0.0}
        with client.stream("/v1/logs", query, ANSWERS_WITHIN) as rows:
            for row in rows:
                for line in said_by([read(LogLines, row)]):
                    first.setdefault(line.label, line.at)
                    yield line
        if not search.forwards and self._matches >= self._enough:
            return
        labels = labels_of(client, search.wanted, [Said(label, 0.0, b"") for label in first])
        yield from self._scanned(services_of(labels), labels, first)

    def of_ended(self) -> Iterator[Said]:
        """What the files have of the last run."""
        labels, chosen = labels_of_ended(self._folder, self._search.wanted)
        return self._scanned(chosen & set(services(self._folder)), labels, {})

    def _scanned(
        self, chosen: Iterable[str], labels: set[str] | None, first: dict[str, float]
    ) -> Iterator[Said]:
        since = _since(self._search)
        entries = scan(
            self._folder,
            sorted(chosen),
            since=began(self._folder) if since is None else since,
            before=first,
            wanted=lambda label: labels is None or label in labels,
            worth=self._worth,
        )
        for entry in entries:
            yield Said(entry.label, entry.at, entry.text)
        if self._youngest:
            self.latest = max(self.latest, stamped(self._youngest))

    def _worth(self, line: bytes) -> bool:
        """At a glance, whether it may be one that is looked for. The files have younger ones last,
        but there are several.
        """
        if line[WIDTH - 1 : WIDTH + 1] == b"Z ":  # a disk that was full may have torn it
            self._youngest = max(self._youngest, line[:WIDTH])
        return self._glance(line)

    def matching(self, lines: Iterable[Said]) -> Iterator[_Kept]:
        """Those that are looked for."""
        search = self._search
        needle = search.text.casefold()
        levels: dict[str, Levels] = {}
        for number, line in enumerate(lines):
            at = round(line.at, 6)
            self.latest = max(self.latest, at)
            if search.after is not None and at < search.after.at:
                continue
            text = on_a_terminal(line.text, colour=False).decode("utf-8", "backslashreplace")
            if search.level is not None:
                level = levels.setdefault(line.label, Levels()).of(text)
                if not at_least(level, search.level):
                    continue
            if not needle or needle in text.casefold():
                self._matches += 1
                yield _Kept(at, line.label, number, text)


def _glance(search: Search) -> Callable[[bytes], bool]:
    """At a glance, whether a line may be one that is looked for."""
    if search.level in {"warn", "error"}:
        after = False

        def worth(line: bytes) -> bool:
            nonlocal after
            before, after = after, may_be_grave(line)
            return before or after  # what was raised stands below its traceback

        return worth
    needle = search.text.lower().encode() if search.text.isascii() and not search.level else b""
    return lambda line: needle in line.lower() or b"\x1b" in line or b"\b" in line


def searched(client: ApiClient | None, folder: Path, search: Search, room: int) -> Found:
    """Look through memory and files; `client` None: the project does not run."""
    look = _LogLook(search, folder, room)
    matching = look.matching(look.of_ended() if client is None else look.of_running(client))
    if search.forwards:
        kept = heapq.nsmallest(MOST + 1, matching)
    else:
        kept = sorted(heapq.nlargest(MOST + 1, matching))
    return _fitted(kept, search, room, look.latest)


def _since(search: Search) -> float | None:
    return search.after.at - 1e-5 if search.after is not None else search.since


def _fitted(kept: Sequence[_Kept], search: Search, room: int, latest: float) -> Found:
    """As many as have room, and where one goes on behind them."""
    after = search.after or LogCursor(search.since or 0.0, 0)
    if not search.forwards:
        lines, taken = _folded(kept[::-1], room)
        return Found(lines[::-1], LogCursor(latest, ALL), taken < len(kept))
    same = 0
    while same < len(kept) and kept[same].at == after.at and same < after.lines:
        same += 1
    kept = kept[same:]
    lines, taken = _folded(kept, room)
    if taken == len(kept):
        return Found(lines, max(after, LogCursor(latest, ALL)), left=False)
    last = kept[taken - 1].at
    count = sum(each.at == last for each in kept[:taken]) + after.lines * (last == after.at)
    return Found(lines, LogCursor(last, count), left=True)


def _folded(kept: Sequence[_Kept], room: int) -> tuple[list[LineSeen], int]:
    """Lines without repetitions, as many as have room, and how many of `kept` that takes."""
    found: list[LineSeen] = []
    last: dict[str, tuple[str, int]] = {}  # label → what it said last, and where that is
    for taken, each in enumerate(kept):
        said = _TIMES.sub("#", each.text)
        before = last.get(each.label)
        if before is not None and before[0] == said:
            line = found[before[1]]
            at = max(line.at, moment(each.at))
            found[before[1]] = replace(line, at=at, times=line.times + 1)
            continue
        line = LineSeen(
            moment(each.at), each.label, shortened(each.text, LONGEST), level_of(each.text)
        )
        room -= len(text_of(plain(line))) + len(',"times":99999')
        if room < 0 and found:
            return found, taken
        last[each.label] = said, len(found)
        found.append(line)
    return found, len(kept)
