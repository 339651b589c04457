"""Sets of paths, as patterns of routes: which are within which, and what two have in common."""

from __future__ import annotations

import re

from rpx.policy.path_patterns import read_pattern

Paths = tuple[str, ...] | None  # None: all

_SPECIAL = re.compile(r"([.^$*+?()\[\]{}|\\])")


class Mixed(Exception):
    """Two patterns of which nobody can tell what they have in common."""


def literal_expression(text: str) -> str:
    """A text as an expression."""
    return _SPECIAL.sub(r"\\\1", text)


def both(one: Paths, other: Paths) -> Paths:
    """The paths that are in both; () if there are none. Raises: Mixed."""
    if one is None or other is None:
        return other if one is None else one
    found = [common for a in one for b in other if (common := _common(a, b)) is not None]
    return tuple(dict.fromkeys(found))


def _common(one: str, other: str) -> str | None:
    if one == other:
        return one
    if _covers(one, other):
        return other
    if _covers(other, one):
        return one
    if (_is_plain(one) and _is_plain(other)) or _begin_otherwise(one, other):
        return None
    for path, pattern in ((one, other), (other, one)):
        if _is_plain(path) and not path.endswith("/*"):
            return path if read_pattern(pattern).matches(path.encode()) else None
    raise Mixed(f"{one} and {other}")


def _covers(one: str, other: str) -> bool:
    """Whether all paths of the other pattern are of this one, as far as that is easy to tell."""
    if not one.endswith("/*") or not _is_plain(one):
        return False
    stem = one[:-1]
    if other.startswith("~"):
        return other[1:].startswith(literal_expression(stem))
    return other.startswith(stem) or other == one[:-2]


def _begin_otherwise(one: str, other: str) -> bool:
    """Whether no path can be of both, for they differ in how they begin."""
    a, b = _beginning(one), _beginning(other)
    return not a.startswith(b) and not b.startswith(a)


def _beginning(pattern: str) -> str:
    """What all its paths begin with; a path without the slash at its end may be one of them."""
    if pattern.startswith("~"):
        literal = re.match(r"(?:[\w/-]|\\[.-])*", pattern[1:])
        text = literal[0].replace("\\", "") if literal else ""
        return (
            text[:-1]
            if pattern[1 + len(literal[0] if literal else "") :][:1] in {"*", "?", "{"}
            else text
        )
    return pattern.partition("*")[0].rstrip("/")


def _is_plain(pattern: str) -> bool:
    return not pattern.startswith("~") and "*" not in pattern.removesuffix("/*")
