"""Whose turn it is, by property: shares, order, and what leaving and returning does to them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.model.config import Strategy
from rpx.policy.balance import Turns, turns
from tests.support.examples import times

STRATEGIES: tuple[Strategy, ...] = (
    "round-robin",
    "weighted-round-robin",
    "least-connections",
    "random",
    "ip-hash",
)
_CHANCE = Random(1).random
WEIGHTS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


@dataclass(eq=False)
class Member:
    identity: str
    weight: int = 1
    in_flight: int = 0
    up: bool = True


def members(*weights: int) -> list[Member]:
    return [Member("ABCDEFGH"[number], weight) for number, weight in enumerate(weights)]


def up(member: Member) -> bool:
    return member.up


def strategy(
    name: Strategy, pool: Sequence[Member], chance: Callable[[], float] = _CHANCE
) -> Turns[Member]:
    return turns(name, pool, chance)


def order(choice: Turns[Member], count: int, client: bytes = b"") -> str:
    return "".join(chosen.identity for _ in range(count) if (chosen := choice.choose(up, client)))


@given(st.sampled_from(STRATEGIES), WEIGHTS, st.data())
def test_only_who_is_usable_is_chosen_and_nobody_only_if_none_is(
    name: Strategy, weights: list[int], data: st.DataObject
) -> None:
    pool = members(*weights)
    choice = strategy(name, pool)
    for _ in range(10):
        for member in pool:
            member.up = data.draw(st.booleans())
            member.in_flight = data.draw(st.integers(0, 3))
        chosen = choice.choose(up, b"127.0.0.1")
        assert chosen is None if not any(map(up, pool)) else chosen is not None and chosen.up


@pytest.mark.parametrize("name", STRATEGIES)
def test_an_empty_pool_has_nobody(name: Strategy) -> None:
    assert strategy(name, []).choose(up, b"127.0.0.1") is None


# ---- in turn


@pytest.mark.parametrize("name", ["round-robin", "weighted-round-robin"])
@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ((1, 1, 1), "ABCABCABC"),
        ((7, 7), "ABABAB"),
        ((3, 1), "AABAAABA"),
        ((5, 1, 1), "AABACAAAABACAA"),
        ((1, 2), "BABBAB"),
        ((1,), "AAA"),
    ],
)
def test_turns_go_round_as_the_weights_say_from_the_first_one_on(
    name: Strategy, weights: tuple[int, ...], expected: str
) -> None:
    assert order(strategy(name, members(*weights)), len(expected)) == expected


@given(WEIGHTS, st.integers(0, 30), st.integers(1, 4))
def test_any_window_as_long_as_the_weights_has_each_as_often_as_its_weight(
    weights: list[int], begin: int, rounds: int
) -> None:
    pool, total = members(*weights), sum(weights)
    seen = order(strategy("round-robin", pool), begin + rounds * total)
    counted = Counter(seen[begin:])
    assert counted == {member.identity: rounds * member.weight for member in pool}


@given(WEIGHTS)
def test_nobody_waits_longer_than_its_weight_lets_expect(weights: list[int]) -> None:
    pool, total = members(*weights), sum(weights)
    seen = order(strategy("round-robin", pool), 3 * total)
    for member in pool:
        places = [place for place, who in enumerate(seen) if who == member.identity]
        gaps = [later - earlier for earlier, later in pairwise(places)]
        assert max(gaps, default=0) <= 2 * -(-total // member.weight)


def test_one_that_leaves_and_returns_does_not_disturb_the_order_of_the_rest() -> None:
    pool = members(1, 1, 1)
    choice, seen = strategy("round-robin", pool), ""
    for step in range(9):
        pool[1].up = step not in range(2, 6)
        seen += order(choice, 1)
    assert seen == "ABCACABCA"


@given(WEIGHTS, st.data())
def test_those_that_stay_keep_their_shares_while_others_come_and_go(
    weights: list[int], data: st.DataObject
) -> None:
    pool = members(*weights)
    choice = strategy("weighted-round-robin", pool)
    for _ in range(6):
        for member in pool:
            member.up = data.draw(st.booleans())
        order(choice, data.draw(st.integers(0, 20)))
    staying = [member for member in pool if member.up]
    total = sum(member.weight for member in staying)
    counted = Counter(order(choice, 5 * total))
    for member in staying:  # five rounds, and at most what it was owed when they began
        assert abs(counted[member.identity] - 5 * member.weight) <= len(pool)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.data())
def test_who_returns_has_nothing_to_catch_up_with(weights: list[int], data: st.DataObject) -> None:
    pool = members(*weights)
    choice, away = strategy("weighted-round-robin", pool), pool[0]
    order(choice, data.draw(st.integers(0, 30)))
    away.up = False
    order(choice, data.draw(st.integers(0, 300)))
    away.up = True
    total = sum(weights)
    assert order(choice, total).count("A") <= away.weight + 1


# ---- by load


@given(WEIGHTS, st.data())
def test_least_connections_chooses_the_least_loaded(
    weights: list[int], data: st.DataObject
) -> None:
    pool = members(*weights)
    for member in pool:
        member.in_flight = data.draw(st.integers(0, 20))
    chosen = strategy("least-connections", pool).choose(up, b"")
    assert chosen is not None
    least = min(member.in_flight / member.weight for member in pool)
    assert chosen.in_flight / chosen.weight == least


@given(WEIGHTS, st.integers(1, 200))
def test_what_stays_under_way_is_spread_as_the_weights_say(weights: list[int], count: int) -> None:
    pool = members(*weights)
    choice = strategy("least-connections", pool)
    for _ in range(count):
        chosen = choice.choose(up, b"")
        assert chosen is not None
        chosen.in_flight += 1
    for member in pool:
        assert abs(member.in_flight - count * member.weight / sum(weights)) < member.weight + 1


@pytest.mark.parametrize(("weights", "expected"), [((1, 1, 1), "ABCABC"), ((3, 1), "AABA")])
def test_of_equally_loaded_ones_it_is_whose_turn_it_is(
    weights: tuple[int, ...], expected: str
) -> None:
    assert order(strategy("least-connections", members(*weights)), len(expected)) == expected


def test_random_takes_the_less_loaded_of_two() -> None:
    pool = members(1, 1, 1)
    pool[0].in_flight = 5
    at = cycle([0.0, 0.0])  # always the first of those that are left: A, then B
    assert order(strategy("random", pool, at.__next__), 3) == "BBB"
    pool[0].in_flight = 0
    assert order(strategy("random", pool, at.__next__), 3) == "AAA"


@times(0.6)
@given(st.lists(st.integers(1, 5), min_size=2, max_size=4), st.integers(0, 2**32))
def test_random_picks_by_weight(weights: list[int], seed: int) -> None:
    pool = members(*weights)
    counted = Counter(order(strategy("random", pool, Random(seed).random), 2000))
    for member in pool:
        share = member.weight / sum(weights)
        assert abs(counted[member.identity] / 2000 - share) < 0.1


@pytest.mark.parametrize("extreme", [0.0, 1 - 2**-53])
def test_random_bears_the_extremes_of_chance(extreme: float) -> None:
    assert strategy("random", members(1, 2, 3), lambda: extreme).choose(up, b"") is not None


# ---- by client


CLIENTS = [f"10.0.{number // 256}.{number % 256}".encode() for number in range(1000)]


def test_a_client_stays_with_its_backend_whatever_the_others_do() -> None:
    pool = members(1, 1, 1, 1)
    choice = strategy("ip-hash", pool)
    homes = {client: choice.choose(up, client) for client in CLIENTS}
    for away in pool:
        away.up = False
        for client, home in homes.items():
            now = choice.choose(up, client)
            assert now is not away
            assert home in (now, away), "a client of another backend has moved"
        away.up = True
    assert homes == {client: choice.choose(up, client) for client in CLIENTS}


def test_the_clients_of_one_that_left_are_spread_over_the_rest() -> None:
    pool = members(1, 1, 1)
    choice = strategy("ip-hash", pool)
    mine = [client for client in CLIENTS if choice.choose(up, client) is pool[0]]
    pool[0].up = False
    assert len({id(choice.choose(up, client)) for client in mine}) == 2


def test_a_client_is_at_home_in_the_same_place_after_a_restart() -> None:
    first, second = strategy("ip-hash", members(1, 2, 1)), strategy("ip-hash", members(1, 2, 1))
    for client in CLIENTS[:50]:
        assert order(first, 1, client) == order(second, 1, client)
    assert order(first, 8, b"127.0.0.1") == order(second, 8, b"127.0.0.1")


@pytest.mark.parametrize("weights", [(1, 1), (3, 1), (5, 1, 1)])
def test_clients_are_spread_as_the_weights_say(weights: tuple[int, ...]) -> None:
    pool = members(*weights)
    choice = strategy("ip-hash", pool)
    counted = Counter(order(choice, 1, client) for client in CLIENTS)
    for member in pool:
        share = member.weight / sum(weights)
        assert abs(counted[member.identity] / len(CLIENTS) - share) < 0.05
