"""Which backend takes the next request. A choice has no side effects: it returns a position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def round_robin(backends: Sequence[T], last: int, usable: Callable[[T], bool]) -> int:
    """Return the position of the next usable backend after `last` in listed order, or -1.

    The turn is a position in the whole list, not in the list of those that are up: so backends
    that leave and return don't disturb the order of the rest.
    """
    count = len(backends)
    position = last
    for _ in range(count):
        position += 1
        if position >= count:
            position = 0
        if usable(backends[position]):
            return position
    return -1
