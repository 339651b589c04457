"""Whether an expression is matched in a time that grows with the length of a path, and no faster.

`re` tries one way to read a text after the other. How many beginnings of such ways it may come to
is how many runs the automaton of the expression has (Glushkov's: a state for each character of the
expression). So the runs that are under way at once are counted, for all texts: where there are
never more than a few, the time is linear (Weber and Seidl, On the degree of ambiguity of finite
automata, 1991).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from rpx.policy.expression_trees import (
    ANY,
    BadPattern,
    Chars,
    Edge,
    InTurn,
    Kept,
    OneOf,
    Repeated,
    Tree,
)

MOST_RUNS: Final = 64
_MOST_STATES: Final = 1000  # of the automaton
_MOST_STEPS: Final = 20_000
_IN_PATHS: Final = sum(1 << n for n in range(0x21, 0x7F)) & ~(1 << ord("#") | 1 << ord("?"))

Runs = Counter[int]  # by state, how many


@dataclass(slots=True)
class _Part:
    """How many ways there are through it without a character, and to its first and last ones."""

    empty: int
    first: Runs
    last: Runs


@dataclass(slots=True)
class _Automaton:
    """`meant` has the characters of each state, `loops` the repetitions around it."""

    meant: list[int] = field(default_factory=list)
    loops: list[tuple[Repeated, ...]] = field(default_factory=list)
    after: list[Runs] = field(default_factory=list)
    swallowing: set[int] = field(default_factory=set)  # `.*`, which takes all that is left
    edges: bool = False  # there are some that may fail before the end

    def part(self, tree: Tree, around: tuple[Repeated, ...] = ()) -> _Part:
        match tree:
            case Chars(meant):
                return self.state(meant, around)
            case Edge(kind):
                self.edges |= kind != "Z"
                return _Part(1, Runs(), Runs())
            case Kept(inner, _):
                return self.part(inner, around)
            case InTurn(parts):
                whole = _Part(1, Runs(), Runs())
                for each in parts:
                    whole = self.joined(whole, self.part(each, around))
                return whole
            case OneOf(choices):
                found = [self.part(each, around) for each in choices]
                return _Part(
                    sum(each.empty for each in found),
                    sum((each.first for each in found), Runs()),
                    sum((each.last for each in found), Runs()),
                )
            case Repeated():
                return self.again(tree, around)

    def state(self, meant: int, around: tuple[Repeated, ...]) -> _Part:
        if len(self.meant) == _MOST_STATES:
            raise BadPattern("is too long", "count less often, or split it in several routes")
        self.meant.append(meant)
        self.loops.append(around)
        self.after.append(Runs())
        here = Runs({len(self.meant) - 1: 1})
        return _Part(0, here, here)

    def joined(self, one: _Part, other: _Part) -> _Part:
        self.lead(one.last, other.first)
        return _Part(
            one.empty * other.empty,
            one.first + _times(other.first, one.empty),
            other.last + _times(one.last, other.empty),
        )

    def lead(self, last: Runs, first: Runs) -> None:
        for state, ways in last.items():
            self.after[state] += _times(first, ways)

    def again(self, tree: Repeated, around: tuple[Repeated, ...]) -> _Part:
        """The copies that must be there, then those that may; of several of these, any number."""
        whole = _Part(1, Runs(), Runs())
        for _ in range(tree.least):
            whole = self.joined(whole, self.part(tree.inner, around))
        if tree.most == tree.least:
            return whole
        if tree.most == tree.least + 1:
            rest = self.part(tree.inner, around)
        else:
            rest = self.part(tree.inner, (*around, tree))
            if rest.empty:
                raise BadPattern(
                    f"repeats what can be empty: `{tree.text}`",
                    "let what is repeated have a character at least: `(?:a+)*` is `a*`",
                )
            self.lead(rest.last, rest.first)
            if tree.most is None and not tree.lazy and isinstance(tree.inner, Chars):
                self.swallowing |= rest.first.keys()
        return self.joined(whole, _Part(rest.empty + 1, rest.first, rest.last))


def judge(tree: Tree) -> None:
    """Raises: BadPattern where it may take longer than linear time, and which part of it does. Also
    where it matches no path at all.
    """
    automaton = _Automaton()
    whole = automaton.part(tree)
    # Whoever is there takes all that is left, and has a match: nothing is tried again.
    certain = {
        state
        for state in automaton.swallowing & whole.last.keys()
        if automaton.meant[state] & _IN_PATHS == _IN_PATHS and not automaton.edges
    }
    kinds = _kinds(automaton.meant)
    order = count()
    steps = count()
    seen: set[frozenset[tuple[int, int]]] = set()
    waiting: list[tuple[int, int, Runs, Runs]] = [(0, next(order), Runs(), whole.first)]
    while waiting:  # those with the most runs first: a bad one is found soon
        _, _, _, following = heappop(waiting)
        for kind in kinds:
            runs = Runs(
                {
                    s: n
                    for s, n in following.items()
                    if automaton.meant[s] & kind and s not in certain
                }
            )
            key = frozenset(runs.items())
            if not runs or key in seen:
                continue
            seen.add(key)
            if runs.total() > MOST_RUNS or next(steps) > _MOST_STEPS:
                raise _too_many(automaton, runs)
            after = sum((_times(automaton.after[s], n) for s, n in runs.items()), Runs())
            heappush(waiting, (-runs.total(), next(order), runs, after))
    if not any(automaton.meant[state] >> ord("/") & 1 for state in whole.first):
        raise BadPattern(
            "matches no path, for each begins with a `/`",
            "an expression is for the whole path, from its beginning to its end: `~.*\\.php`",
        )


def _times(runs: Runs, ways: int) -> Runs:
    return runs if ways == 1 else Runs({state: n * ways for state, n in runs.items() if ways})


def _kinds(meant: list[int]) -> list[int]:
    """The bytes of paths in groups that no state tells apart."""
    kinds = [_IN_PATHS]
    for each in set(meant) - {ANY}:
        kinds = [part for kind in kinds for part in (kind & each, kind & ~each) if part]
    return kinds


def _too_many(automaton: _Automaton, runs: Runs) -> BadPattern:
    chains = [automaton.loops[state] for state, _ in runs.most_common()]
    nested = next((chain for chain in chains if len(chain) > 1), None)
    if nested:
        return BadPattern(
            f"repeats what is repeated: `{nested[-2].text}`, which takes exponential time",
            "take one of the two away, or let what is repeated begin with a character of its own:"
            " `(?:/[^/]+)*` instead of `(?:[^/]+)*`",
        )
    texts = list({id(loop): loop.text for chain in chains for loop in chain}.values())
    if len(texts) > 1:
        both = " and ".join(f"`{text}`" for text in texts[:2])
        return BadPattern(
            f"takes more than linear time: {both} can both take the same characters",
            "say what they do not take: `[^/]+` instead of `.*`",
        )
    where = f" in `{texts[0]}`" if texts else ""
    return BadPattern(
        f"can be read in too many ways{where}: it would take more than linear time",
        "let no two choices begin with the same characters: `a+` instead of `(?:a|aa)+`",
    )
