"""Whose turn it is: a small class for each strategy. Chance is an argument.

A choice has no side effect but the turn. All strategies ask the same question, `usable`, which the
caller brings along: in rotation, not tried yet, whatever a request needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import deepcopy
from functools import lru_cache
from hashlib import blake2b
from typing import Generic, Protocol, TypeVar, assert_never

from rpx.model.config import Strategy

CLIENTS = 4096  # whose order of backends is remembered


class Member(Protocol):
    """What a choice looks at. `identity` outlives a restart, of the backend and of rpx."""

    in_flight: int
    weight: int
    identity: str


M = TypeVar("M", bound=Member)
M_co = TypeVar("M_co", bound=Member, covariant=True)


class Turns(Protocol[M_co]):
    """One strategy over the members of a pool."""

    def choose(self, usable: Callable[[M_co], bool], client: bytes) -> M_co | None:
        """Return who takes the next request of `client` (its address); None: nobody is usable."""


def turns(strategy: Strategy, members: Sequence[M], chance: Callable[[], float]) -> Turns[M]:
    """Return the strategy over `members`, whose weights are above 0.

    Weights that differ count under every strategy. `chance` gives numbers from 0 up to 1.
    """
    even = len({member.weight for member in members}) < 2
    in_turn: Turns[M] = RoundRobin(members) if even else WeightedRoundRobin(members)
    match strategy:
        case "round-robin" | "weighted-round-robin":
            return in_turn
        case "least-connections":
            return LeastConnections(members, in_turn)
        case "random":
            return RandomOfTwo(members, chance)
        case "ip-hash":
            return IpHash(members)
        case _:
            assert_never(strategy)


def whose_turn(
    turns: Turns[M], members: Sequence[M], usable: Callable[[M], bool], client: bytes
) -> M | None:
    """Return who would be chosen, and leave the turn where it is. None: nobody, or by chance."""
    if isinstance(turns, RandomOfTwo):
        able = [member for member in members if usable(member)]
        return able[0] if len(able) == 1 else None
    return deepcopy(turns, {id(member): member for member in members}).choose(usable, client)


class RoundRobin(Generic[M]):
    """One after the other in listed order.

    The turn is a position in the whole list, not in the list of those that are up: so members
    that leave and return don't disturb the order of the rest.
    """

    __slots__ = ("_last", "_members")

    def __init__(self, members: Sequence[M]) -> None:
        self._members = members
        self._last = -1

    def choose(self, usable: Callable[[M], bool], client: bytes) -> M | None:  # noqa: ARG002 - the others' word
        """Return the next usable member behind the last one."""
        members, position = self._members, self._last
        count = len(members)
        for _ in range(count):
            position += 1
            if position >= count:
                position = 0
            member = members[position]
            if usable(member):
                self._last = position
                return member
        return None


class WeightedRoundRobin(Generic[M]):
    """As often as the weights say, spread out as evenly as can be: 5:1:1 is A A B A C A A.

    This is nginx's "smooth" way: everyone usable is credited its weight, the one with most credit
    has the turn and pays what all were credited. Who is out keeps its credit, and the sum over the
    others does not move: so the rest keep their shares while it is away, and nobody has to catch
    up when it returns.
    """

    __slots__ = ("_credit", "_members")

    def __init__(self, members: Sequence[M]) -> None:
        self._members = members
        self._credit = [0] * len(members)

    def choose(self, usable: Callable[[M], bool], client: bytes) -> M | None:  # noqa: ARG002 - the others' word
        """Return the usable member with the most credit, the first of equals."""
        credit, best, total = self._credit, -1, 0
        for position, member in enumerate(self._members):
            if usable(member):
                total += member.weight
                credit[position] += member.weight
                if best < 0 or credit[position] > credit[best]:
                    best = position
        if best < 0:
            return None
        credit[best] -= total
        return self._members[best]


class LeastConnections(Generic[M]):
    """The member with the fewest requests under way for its weight; of equals, whose turn it is."""

    __slots__ = ("_in_turn", "_members")

    def __init__(self, members: Sequence[M], in_turn: Turns[M]) -> None:
        self._members = members
        self._in_turn = in_turn

    def choose(self, usable: Callable[[M], bool], client: bytes) -> M | None:
        """Return the least loaded usable member."""
        least = min((_load(member) for member in self._members if usable(member)), default=0.0)
        return self._in_turn.choose(
            lambda member: usable(member) and _load(member) == least, client
        )


class RandomOfTwo(Generic[M]):
    """The less loaded of two that are picked at random, by weight.

    One alone would sometimes be a busy one; two avoid that nearly always, without the herd that
    runs to the least loaded of all.
    """

    __slots__ = ("_chance", "_members")

    def __init__(self, members: Sequence[M], chance: Callable[[], float]) -> None:
        self._members = members
        self._chance = chance

    def choose(self, usable: Callable[[M], bool], client: bytes) -> M | None:  # noqa: ARG002 - the others' word
        """Return the better of two usable members; of equals the first that was picked."""
        able = [member for member in self._members if usable(member)]
        if len(able) < 2:
            return able[0] if able else None
        first = self._pick(able)
        able.remove(first)
        second = self._pick(able)
        return second if _load(second) < _load(first) else first

    def _pick(self, able: Sequence[M]) -> M:
        point = self._chance() * sum(member.weight for member in able)
        for member in able:
            point -= member.weight
            if point < 0:
                return member
        return able[-1]


class IpHash(Generic[M]):
    """Each client address has an order of its own, and goes to the first in it that is usable.

    The order is by rendezvous hashing: when a member leaves, only its own clients move, each to
    its second choice, and they return with it.
    """

    __slots__ = ("_members", "_ranking")

    def __init__(self, members: Sequence[M]) -> None:
        self._members = members
        self._ranking = lru_cache(CLIENTS)(self._ranked)

    def choose(self, usable: Callable[[M], bool], client: bytes) -> M | None:
        """Return the first usable member in the ranking of `client`."""
        return next((member for member in self._ranking(client) if usable(member)), None)

    def _ranked(self, client: bytes) -> tuple[M, ...]:
        return tuple(sorted(self._members, key=lambda member: _score(client, member)))


def _load(member: Member) -> float:
    return member.in_flight / member.weight


def _score(client: bytes, member: Member) -> float:
    """Exponentially distributed at the rate of the weight: so often its is the least."""
    mixed = blake2b(client + b"\0" + member.identity.encode(), digest_size=8).digest()
    return -math.log((int.from_bytes(mixed) + 1) / (2**64 + 1)) / member.weight
