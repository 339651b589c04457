"""The nearest known word to a mistyped one."""

from __future__ import annotations

import re
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], most: int = 2) -> str | None:
    """The known word at most so many slips away from `word` (one where either has three letters or
    fewer).

    A slip is a letter too many, too few, wrong, or two neighbours exchanged. `healthChek` is
    compared as `health_chek`.
    """
    slips, best = min(
        ((_slips(spelling, other), other) for other in known for spelling in {word, snake(word)}),
        default=(3, ""),
    )
    short = min(len(word), len(best)) <= 3  # two slips would make a third of them anything
    return best if slips <= min(most, 1 if short else 2) else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean `api`? `, to begin a hint with; `` where nothing is near."""
    near = nearest(word, known)
    return f"did you mean `{near}`? " if near else ""


def snake(word: str) -> str:
    """`healthCheck` as `health_check`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", word).lower()


def camel(word: str) -> str:
    """`health_check` as `healthCheck`."""
    first, *rest = word.split("_")
    return first + "".join(part.capitalize() for part in rest)


def choices(words: Iterable[str]) -> str:
    """`a`, `b` or `c`."""
    *most, last = [f"`{word}`" for word in words]
    return f"{', '.join(most)} or {last}" if most else last


def _slips(a: str, b: str) -> int:
    """Optimal string alignment distance; 3 stands for "too far" when the lengths say so."""
    if abs(len(a) - len(b)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
