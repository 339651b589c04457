"""Output as one list by time: what is told of some of its lines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogRow:
    """One line, as text without escape sequences. `at` is seconds since the epoch; `level` debug,
    info, warn, error, or "" if it says none; `cut`: it is longer than `text`.
    """

    label: str
    at: float
    text: str
    level: str
    cut: bool


@dataclass(frozen=True, slots=True)
class LogRows:
    """Some lines in a row, of all that are chosen: `first` is the number of the first one, and
    there are those from `begin` up to `end`, which is none. `counted` is how much of all output has
    been looked through for them: 1 for all, and while it is less, numbers are other ones later.
    """

    first: int
    begin: int
    end: int
    counted: float
    lines: tuple[LogRow, ...]
