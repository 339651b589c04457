"""Whether one route takes all that another is for, and where paths of a pattern may lie.

Only what is certain counts: expressions are compared with what they are written as, and tried on
paths that leave nothing open.
"""

from __future__ import annotations

from rpx.model.route import Conditions
from rpx.policy.path_patterns import PathPattern, read_pattern
from rpx.policy.route_table import ANY_VALUE


def covers(first: Conditions, second: Conditions) -> bool:
    """Whether every request that `second` is for is one that `first` is for."""
    if first.methods and not (second.methods and set(second.methods) <= set(first.methods)):
        return False
    if not _asks_less(first.headers, second.headers) or not _asks_less(first.query, second.query):
        return False
    if not first.paths:
        return True
    wider = [read_pattern(text) for text in first.paths]
    narrower = [read_pattern(text) for text in second.paths]
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
