"""Why a route doesn't take a request: the first of its conditions that doesn't hold, in words."""

from __future__ import annotations

from collections.abc import Iterable

from rpx.model.route import Conditions
from rpx.policy.path_patterns import read_pattern
from rpx.policy.route_table import ANY_VALUE, Routable, argument_check, field_check
from rpx.policy.route_words import usual_name


def unmet(conditions: Conditions, request: Routable) -> str:
    """What is missing; "" where all of it holds."""
    path = request.target.partition(b"?")[0]
    paths = conditions.paths
    if paths and not any(read_pattern(each).matches(path) for each in paths):
        return f"the path is not {_or(paths)}"
    if conditions.methods and request.method.decode() not in conditions.methods:
        return f"the method is not {_or(conditions.methods)}"
    for name, value in conditions.headers:
        if not field_check(name, value)(request):
            return _missing(usual_name(name), value)
    for name, value in conditions.query:
        if not argument_check(name, value)(request):
            return _missing(f"?{name}", value)
    return ""


def _missing(name: str, value: str) -> str:
    return f"{name} is missing" if value == ANY_VALUE else f"{name} is not {value}"


def _or(words: Iterable[str]) -> str:
    return " or ".join(words)
