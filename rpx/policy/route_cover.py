"""Whether one route takes all that another is for, and where paths of a pattern may lie.

Only what is certain counts: expressions are compared with what they are written as, and tried on
paths that leave nothing open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from operator import itemgetter
from typing import Generic, TypeVar

from rpx.model.route import Conditions
from rpx.policy.path_patterns import PathPattern, read_pattern
from rpx.policy.route_table import ANY_VALUE

T = TypeVar("T")
# Its turn, what it is for, the same as patterns, and what is found.
_Known = tuple[int, Conditions, Sequence[PathPattern], T]


class Covering(Generic[T]):
    """Routes in their order, to find the first that leaves nothing for another: in the time that a
    path has segments, whatever their number, but for those with a wildcard within a segment.
    """

    def __init__(self) -> None:
        self._turns = count()
        self._any: list[_Known[T]] = []  # without a path
        self._open: list[_Known[T]] = []  # with one that segments don't decide
        self._start: _Branch[T] = _Branch()

    def add(self, conditions: Conditions, route: T) -> None:
        """Remember one more. Raises: BadPattern."""
        patterns = _read(conditions)
        known = (next(self._turns), conditions, patterns, route)
        if not patterns:
            self._any.append(known)
        for pattern in patterns:
            if not pattern.decided:
                self._open.append(known)
                continue
            step = self._start
            for segment in pattern.segments:
                step = step.next.setdefault(segment, _Branch())
            (step.below if pattern.below else step.here).append(known)

    def first(self, conditions: Conditions) -> T | None:
        """The first route that takes all that these mean. Raises: BadPattern."""
        patterns = _read(conditions)
        found = [*self._any, *self._open, *self._around(patterns[0])] if patterns else self._any
        for _, wider, theirs, route in sorted(found, key=itemgetter(0)):
            if _covers(wider, theirs, conditions, patterns):
                return route
        return None

    def _around(self, pattern: PathPattern) -> Iterator[_Known[T]]:
        """Those whose segments mean all that this pattern does."""
        steps = [self._start]
        for segment in pattern.segments:
            for step in steps:
                yield from step.below
            steps = [
                following
                for step in steps
                for key in {segment, None if segment != b"" else segment}
                if (following := step.next.get(key)) is not None
            ]
        for step in steps:
            yield from step.below
            yield from step.here


class _Branch(Generic[T]):
    """What the segments so far lead to: patterns that end here, and those that have all below."""

    __slots__ = ("below", "here", "next")

    def __init__(self) -> None:
        self.below: list[_Known[T]] = []
        self.here: list[_Known[T]] = []
        self.next: dict[bytes | None, _Branch[T]] = {}


def covers(first: Conditions, second: Conditions) -> bool:
    """Whether every request that `second` is for is one that `first` is for."""
    return _covers(first, _read(first), second, _read(second))


def _read(conditions: Conditions) -> Sequence[PathPattern]:
    return [read_pattern(text) for text in conditions.paths]


def _covers(
    first: Conditions,
    wider: Sequence[PathPattern],
    second: Conditions,
    narrower: Sequence[PathPattern],
) -> bool:
    if first.methods and not (second.methods and set(second.methods) <= set(first.methods)):
        return False
    if not _asks_less(first.headers, second.headers) or not _asks_less(first.query, second.query):
        return False
    if not first.paths:
        return True
    return bool(narrower) and all(any(_wider(w, n) for w in wider) for n in narrower)


def begins_with(pattern: PathPattern, prefix: str) -> bool:
    """Whether some path that a pattern means is `prefix` (`/api`, "" is any) or lies below it."""
    wanted = prefix.encode().split(b"/")[1:]
    there = pattern.segments[: len(wanted)]
    if any(known is not None and known != each for known, each in zip(there, wanted, strict=False)):
        return False
    return len(there) == len(wanted) or pattern.below


def _asks_less(first: tuple[tuple[str, str], ...], second: tuple[tuple[str, str], ...]) -> bool:
    """Whether each field that `first` asks for is asked for by `second`, as this or narrower."""
    asked = dict(second)
    return all(name in asked and (value in {ANY_VALUE, asked[name]}) for name, value in first)


def _wider(first: PathPattern, second: PathPattern) -> bool:
    if first.text == second.text:
        return True
    if not first.decided:
        literal = second.expression is None and not second.below
        return literal and first.matches(second.stem)
    if second.below and not first.below:
        return False
    if len(second.segments) > len(first.segments) and not first.below:
        return False
    if len(second.segments) < len(first.segments):
        return False  # it may mean paths that are too short
    return all(
        mine == theirs or (mine is None and theirs != b"")
        for mine, theirs in zip(first.segments, second.segments, strict=False)
    )
