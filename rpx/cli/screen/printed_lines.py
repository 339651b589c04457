"""The last lines of everybody, for who looks at them: bounded, whoever prints how much."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

KEPT: Final = 2000  # lines of each speaker, as rpx itself remembers
TOGETHER: Final = 5000  # lines of all of them
SIZE: Final = 512 * 1024  # characters of the lines of each
LONGEST: Final = 4000  # characters that are kept of a line
SPEAKERS: Final = 128  # of whom there are lines; each copy that is replaced was one, too
WAITING: Final = 500  # pieces of output, of 32 KB at most, that wait to be looked at
ALL: Final = ""  # instead of a label


class PrintedLine(NamedTuple):
    """One line. `number` grows from line to line; `at` is seconds since the epoch."""

    number: int
    label: str
    at: float
    text: str


class _Ring:
    def __init__(self, most: int) -> None:
        self.lines: deque[PrintedLine] = deque()
        self._most = most
        self._size = 0

    def add(self, line: PrintedLine) -> None:
        self.lines.append(line)
        self._size += len(line.text)
        while len(self.lines) > self._most or self._size > SIZE:
            self._size -= len(self.lines.popleft().text)


class PrintedLines:
    """One thread puts in what comes, another one looks.

    Without a lock: whoever puts in many lines would have it again before the other one wakes up.
    """

    def __init__(self) -> None:
        self._come: deque[tuple[str, float, str]] = deque()
        self._rings: dict[str, _Ring] = {}
        self._all = _Ring(TOGETHER)
        self._number = 0

    @property
    def full(self) -> bool:
        """Whether as much waits to be looked at as may: who puts in more has to wait."""
        return len(self._come) >= WAITING

    def put(self, label: str, at: float, text: str) -> None:
        """Take what was printed at once: one line, or several with newlines between them."""
        self._come.append((label, at, text))

    def look(self) -> None:
        """Have what was put in among the lines."""
        for _ in range(len(self._come)):  # what comes meanwhile is for the next time
            self._add(*self._come.popleft())

    def after(self, label: str, number: int) -> list[PrintedLine]:
        """Return the lines of one speaker, or ALL, behind the line of this number."""
        found: list[PrintedLine] = []
        ring = self._ring(label)
        if ring is not None:
            for line in reversed(ring.lines):
                if line.number <= number:
                    break
                found.append(line)
        return found[::-1]

    def first(self, label: str) -> int:
        """Return the number of the first line that is kept; what is before it has gone."""
        ring = self._ring(label)
        return ring.lines[0].number if ring is not None and ring.lines else self._number + 1

    def _ring(self, label: str) -> _Ring | None:
        return self._all if label == ALL else self._rings.get(label)

    def _add(self, label: str, at: float, text: str) -> None:
        ring = self._rings.pop(label, None) or _Ring(KEPT)
        self._rings[label] = ring  # the last one to have said something
        if len(self._rings) > SPEAKERS:
            del self._rings[next(iter(self._rings))]
        for each in text.split("\n"):
            self._number += 1
            cut = each if len(each) <= LONGEST else f"{each[: LONGEST - 1]}…"
            line = PrintedLine(self._number, label, at, cut)
            ring.add(line)
            self._all.add(line)
