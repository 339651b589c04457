"""Caddy's matchers as conditions of a route."""

from __future__ import annotations

import re
from typing import Any

from rpx.moving.draft import Written
from rpx.moving.sites.path_sets import Paths, literal_expression
from rpx.moving.sources.nginx.location_patterns import of_expression

_BELOW = re.compile(r"~(/[\w/-]+)\(\?:/\(\.\*\)\)\?")  # with the same group as `/a/*`
_SEGMENTS = re.compile(r"/[^*]*(?:\*[^*/]*(?:/[^*/]*)*)*\Z")


class Unsayable(Exception):
    """A condition that rpx has no words for."""


def paths_of(patterns: list[str], before: str) -> Paths:
    """Caddy's patterns of paths. `before` is what was cut off a path until then."""
    found: list[str] = []
    for pattern in patterns:
        if pattern in {"*", "/*"} and not before:
            return None
        if f"{pattern}/*" in patterns:
            continue  # it is taken by that one in rpx
        found.append(_pattern(pattern, before))
    return tuple(found)


def _pattern(pattern: str, before: str) -> str:
    if not pattern.startswith("/"):
        if pattern == "*":
            return f"{before}/*"
        return f"~{literal_expression(before)}/{_expression(pattern)}"
    whole = before + pattern
    if "*" not in pattern or (whole.endswith("/*") and "*" not in whole[:-1]):
        return whole
    if whole.endswith("*") and not whole.endswith("/*"):  # `/api*`: whatever begins so
        return f"~{_expression(whole)}"
    return whole


def _expression(pattern: str) -> str:
    return ".*".join(map(literal_expression, pattern.split("*")))


def conditions_of(matcher: dict[str, Any]) -> Written:
    """What a matcher asks for beside hosts and paths. Raises: Unsayable."""
    found: Written = {}
    for word, said in matcher.items():
        match word, said:
            case (("host" | "path" | "path_regexp" | "file"), _):
                continue
            case "method", list():
                found["method"] = said[0] if len(said) == 1 else said
            case "header", dict():
                found["headers"] = _values(said, fields=True)
            case "query", dict():
                found["query"] = _values(said)
            case _:
                raise Unsayable(word)
    return found


def expression_of(matcher: dict[str, Any]) -> str | None:
    """The pattern of `path_regexp`. Raises: BadPattern."""
    said = matcher.get("path_regexp")
    if said is None:
        return None
    pattern = of_expression(said.get("pattern", ""))
    below = _BELOW.fullmatch(pattern)
    return f"{below[1]}/*" if below else pattern


def _values(said: dict[str, Any], *, fields: bool = False) -> Written:
    found: Written = {}
    for name, values in said.items():
        if fields and name.lower() == "connection":
            continue  # beside Upgrade: WebSockets
        if not isinstance(values, list) or len(values) != 1:
            raise Unsayable(name)
        (value,) = values
        if value != "*" and ("*" in value or "{" in value):
            raise Unsayable(name)
        found[name] = value
    return found
