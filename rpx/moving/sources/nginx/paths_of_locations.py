"""Which paths a location is for, as patterns of rpx."""

from __future__ import annotations

from rpx.moving.sources.nginx.directives import Directive
from rpx.moving.sources.nginx.location_order import Location, LocationKind
from rpx.moving.sources.nginx.location_patterns import of_expression, of_path, of_prefix, quoted


def pattern_of(location: Location) -> tuple[str, ...]:
    """Which paths it is for, () for all. Raises: BadPattern."""
    match location.kind:
        case LocationKind.EXACT:
            return of_path(location.text)
        case LocationKind.PREFIX | LocationKind.FIRST:
            return of_prefix(location.text)
        case LocationKind.EXPRESSION | LocationKind.ANY_CASE:
            any_case = location.kind is LocationKind.ANY_CASE
            return (of_expression(location.text, any_case=any_case, below=location.below),)


def with_whole_path(
    location: Location, pattern: tuple[str, ...], said: Directive
) -> tuple[str, tuple[str, ...]]:
    """What stands for the path of the request in a target, and the pattern that it is taken of."""
    if not any("$request_uri" in arg or "$uri" in arg for arg in said.args):
        return "", pattern
    if not pattern:
        return "/$1", ("/*",)
    if location.kind is LocationKind.EXACT:
        return location.text, pattern
    if pattern[0].endswith("/*"):
        return f"{pattern[0][:-1]}$1", pattern
    if pattern[0].startswith("~"):
        begun = 2 if pattern[0].startswith("~/") else 1
        return f"{'/' * (begun - 1)}$1", (f"{pattern[0][:begun]}({pattern[0][begun:]})",)
    return "$1", (f"~({quoted(pattern[0])})",)
