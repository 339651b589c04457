"""Which of the routes of a proxy takes a request: the first in their order whose conditions hold.

Paths are looked up segment by segment in a tree, so that a thousand routes cost what ten do. Only
what has a wildcard within a segment, and expressions, are tried one after the other, those whose
beginning fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import chain
from operator import itemgetter
from typing import Final, Generic, Protocol, TypeVar

from rpx.model.route import Conditions
from rpx.policy.path_patterns import PathPattern, read_pattern

T = TypeVar("T")

ANY_VALUE: Final = "*"
MOST_STATES: Final = 10_000
ANY_PATH: Final = read_pattern("/*")  # as if it were written for a route without a path
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class Routable(Protocol):
    """A request; see RequestHead."""

    @property
    def method(self) -> bytes: ...
    @property
    def target(self) -> bytes: ...
    @property
    def upgrade(self) -> bytes | None: ...
    def field(self, name: bytes, /) -> bytes | None:
        """The values of a field; `name` is in lower case."""


Needs = Callable[[Routable], bool]
# When it is its turn, what its path must match (None: it does), what must hold beside (None:
# nothing), and what is found.
Candidate = tuple[int, re.Pattern[bytes] | None, Needs | None, tuple[T, PathPattern]]


class _Step(Generic[T]):
    """A place in the tree of all patterns: what the paths that begin like this may take.

    `here`: the path that has no more segments; `below`: that one and all longer ones, or some.
    """

    __slots__ = ("any", "below", "here", "named")

    def __init__(self) -> None:
        self.named: dict[bytes, _Step[T]] = {}
        self.any: _Step[T] | None = None
        self.here: list[Candidate[T]] = []
        self.below: list[Candidate[T]] = []

    def next(self, segment: bytes | None) -> _Step[T]:
        """The step for a further segment, which is made if there is none."""
        if segment is not None:
            return self.named.setdefault(segment, _Step())
        self.any = self.any or _Step()
        return self.any


class _State(Generic[T]):
    """All the steps that a path is at once after some segments, and what it may take.

    `ending`: if these are all of its segments; `passing`: if there are others, of which no step
    knows. Both are in their order. `next` has the states that have been needed so far, `unmade` the
    segments of others, `other` is for a segment that no step has by name.
    """

    __slots__ = ("_steps", "ending", "next", "other", "passing", "unmade")

    def __init__(self, steps: Sequence[_Step[T]], passed: Sequence[Candidate[T]]) -> None:
        self._steps = steps
        self.passing = _merged([passed, *(step.below for step in steps)])
        self.ending = _merged([self.passing, *(step.here for step in steps)])
        self.next: dict[bytes, _State[T]] = {}
        self.unmade = {segment for step in steps for segment in step.named}
        anyone = [step.any for step in steps if step.any is not None]
        self.other = _State(anyone, self.passing) if anyone else None
        if anyone:
            self.unmade.add(b"")  # which is not any segment

    def made(self, segment: bytes) -> _State[T]:
        """The state that follows by one of the `unmade`."""
        steps = [step.named[segment] for step in self._steps if segment in step.named]
        if segment:
            steps += [step.any for step in self._steps if step.any is not None]
        self.unmade.discard(segment)
        self.next[segment] = state = _State(steps, self.passing)
        return state


class RouteTable(Generic[T]):
    """Routes in their order, each with what it is for. Raises: BadPattern for a path.

    The tree of patterns becomes an automaton as requests need it: where a segment may be any, all
    of it would be as large as the number of routes to the power of two and more.
    """

    __slots__ = ("_depth", "_first", "_left", "_start")

    def __init__(self, routes: Sequence[tuple[Conditions, T]]) -> None:
        self._first: _Step[T] = _Step()
        self._depth = 0
        turn = 0
        for conditions, route in routes:
            needs = _needs(conditions)
            if not conditions.paths:
                self._first.below.append((turn, None, needs, (route, ANY_PATH)))
                turn += 1
            for text in conditions.paths:
                self._place(read_pattern(text), turn, needs, route)
                turn += 1
        self._begin()

    def _place(self, pattern: PathPattern, turn: int, needs: Needs | None, route: T) -> None:
        step = self._first.next(b"")  # before the first slash
        for segment in pattern.segments:
            step = step.next(segment)
        self._depth = max(self._depth, len(pattern.segments) + 1)
        expression = None if pattern.decided else pattern.expression
        place = step.below if pattern.below else step.here
        place.append((turn, expression, needs, (route, pattern)))

    def _begin(self) -> None:
        self._start = _State([self._first], [])
        self._left = MOST_STATES

    def find(self, request: Routable) -> tuple[T, PathPattern] | None:
        """What takes the request, and the pattern that means its path; None: no route does."""
        path = request.target.partition(b"?")[0]
        state = self._start
        for segment in path.split(b"/", self._depth):
            following = state.next.get(segment)
            if following is None:
                if segment in state.unmade:
                    following = self._made(state, segment)
                elif (following := state.other) is None:
                    candidates = state.passing
                    break
            state = following
        else:
            candidates = state.ending
        for _, expression, needs, found in candidates:
            if (expression is None or expression.fullmatch(path)) and (
                needs is None or needs(request)
            ):
                return found
        return None

    def _made(self, state: _State[T], segment: bytes) -> _State[T]:
        if self._left == 0:
            self._begin()  # it has grown too large: whatever is needed comes into being again
        self._left -= 1
        return state.made(segment)


def _merged(lists: Sequence[Sequence[Candidate[T]]]) -> tuple[Candidate[T], ...]:
    """All in their order, up to the one that takes whatever comes to it."""
    found = sorted(chain.from_iterable(lists), key=itemgetter(0))
    for place, (_, expression, needs, _) in enumerate(found):
        if expression is None and needs is None:
            return tuple(found[: place + 1])
    return tuple(found)


def _needs(conditions: Conditions) -> Needs | None:
    """What must hold beside the path; None where nothing must."""
    methods = frozenset(method.encode() for method in conditions.methods)
    checks = [field_check(name, value) for name, value in conditions.headers]
    checks += [argument_check(name, value) for name, value in conditions.query]
    if not checks:
        return (lambda request: request.method in methods) if methods else None

    def hold(request: Routable) -> bool:
        if methods and request.method not in methods:
            return False
        for check in checks:  # noqa: SIM110 - a generator would cost as much as they do
            if not check(request):
                return False
        return True

    return hold


def field_check(name: str, value: str) -> Needs:
    """What tells whether a request has a field (in lower case) of this value."""
    key, wanted = name.encode(), value.encode()
    anything = value == ANY_VALUE

    def holds(request: Routable) -> bool:
        # The one hop-by-hop field that says what a request is for stands beside the others.
        found = request.upgrade if key == b"upgrade" else request.field(key)
        return found is not None and (anything or found == wanted)

    return holds


def argument_check(name: str, value: str) -> Needs:
    """What tells whether there is this in a query as forms make it (URL Standard,
    application/x-www-form-urlencoded).
    """
    key, wanted = name.encode(), value.encode()
    follows = b"[=&]|$" if value == ANY_VALUE else b"=%b(?:&|$)" % re.escape(wanted)
    if not value:
        follows += b"|&|$"
    as_it_is = re.compile(b"&%b(?:%b)" % (re.escape(key), follows)).search

    def holds(request: Routable) -> bool:
        query = request.target.partition(b"?")[2]
        if as_it_is(b"&" + query):
            return True
        if b"%" not in query and b"+" not in query:
            return False
        for argument in query.split(b"&"):
            said, _, meant = argument.partition(b"=")
            if _plain(said) == key and (value == ANY_VALUE or _plain(meant) == wanted):
                return True
        return False

    return holds


def _plain(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), text.replace(b"+", b" "))
