"""Locations in the order in which rpx has to look at them to choose as nginx does."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from rpx.errors import Exit, RpxError
from rpx.moving.remarks import Origin
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive

_EXPRESSIONS = {"~": False, "~*": True}  # whether in any case


class LocationKind(StrEnum):
    """How a location is compared with a path."""

    EXACT = "="
    PREFIX = ""
    FIRST = "^~"  # a prefix that goes before expressions
    EXPRESSION = "~"
    ANY_CASE = "~*"


@dataclass(frozen=True, slots=True)
class Location:
    """A `location`; `below` is the prefix of the one that it stands in, or ""."""

    kind: LocationKind
    text: str
    scope: Scope
    below: str = ""

    @property
    def is_expression(self) -> bool:
        """Whether it is compared with an expression."""
        return self.kind in {LocationKind.EXPRESSION, LocationKind.ANY_CASE}

    @property
    def directive(self) -> Directive:
        """The block itself."""
        return self.scope.inner


def locations_of(scope: Scope, below: str = "") -> list[Location]:
    """All locations of a server but named ones, with those that stand in others.

    Raises: RpxError.
    """
    found: list[Location] = []
    for each in scope.inner.all("location"):
        if not each.args or each.args[0].startswith("@"):
            continue
        each.said = True
        kind, text = _kind(each.args, each.origin)
        location = Location(kind, text, scope.within(each), below)
        found += locations_of(
            location.scope, text if kind in {LocationKind.PREFIX, LocationKind.FIRST} else below
        )
        found.append(location)
    return found


def _kind(args: list[str], here: Origin) -> tuple[LocationKind, str]:
    if len(args) > 1:
        if args[0] not in set(LocationKind):
            what = f"{here.file}: `location {' '.join(args)}` is none that nginx knows"
            hint = "`=`, `^~`, `~` or `~*` stands before its path, or nothing"
            raise RpxError(what, where=str(here), hint=hint, exit_code=Exit.USAGE)
        return LocationKind(args[0]), args[1]
    for mark in ("~*", "^~", "~", "="):  # `location =/x` has no blank
        if args[0].startswith(mark) and len(args[0]) > len(mark):
            return LocationKind(mark), args[0][len(mark) :]
    return LocationKind.PREFIX, args[0]


def in_order(locations: list[Location]) -> list[Location]:
    """Exact ones; prefixes that go first, with longer ones within them; expressions; prefixes.

    Longer prefixes go before those that they begin with, and expressions before the location that
    they stand in.
    """
    exact = [each for each in locations if each.kind is LocationKind.EXACT]
    prefixes: list[Location] = []
    for each in locations:
        if each.kind in {LocationKind.PREFIX, LocationKind.FIRST}:
            within = (n for n, other in enumerate(prefixes) if each.text.startswith(other.text))
            prefixes.insert(next(within, len(prefixes)), each)
    expressions = [
        each for each in locations if each.kind in {LocationKind.EXPRESSION, LocationKind.ANY_CASE}
    ]
    first = [each for each in prefixes if each.kind is LocationKind.FIRST]
    early = [each for each in prefixes if any(each.text.startswith(other.text) for other in first)]
    late = [each for each in prefixes if each not in early]
    free = [each for each in expressions if not each.below]
    found = list(exact)
    for each in early:
        found += [*_of(each, expressions), each]
    found += free
    for each in late:
        found += [*_of(each, expressions), each]
    return found + [each for each in expressions if each not in found]


def _of(prefix: Location, expressions: list[Location]) -> list[Location]:
    return [each for each in expressions if each.below == prefix.text]
