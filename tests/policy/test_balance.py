"""Whose turn it is, by property."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rpx.policy.balance import round_robin


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(-1, 7))
def test_the_next_is_the_first_usable_one_behind_the_last(up: list[bool], last: int) -> None:
    last = min(last, len(up) - 1)
    chosen = round_robin(up, last, bool)
    if not any(up):
        assert chosen == -1
        return
    behind = [(last + step) % len(up) for step in range(1, len(up) + 1)]
    assert chosen == next(position for position in behind if up[position])


@given(st.integers(1, 10), st.integers(1, 100))
def test_everyone_gets_the_same_share(count: int, rounds: int) -> None:
    last, taken = -1, [0] * count
    for _ in range(rounds * count):
        last = round_robin(range(count), last, lambda _: True)
        taken[last] += 1
    assert set(taken) == {rounds}


def test_one_that_leaves_and_returns_does_not_disturb_the_order_of_the_rest() -> None:
    up = {"a": True, "b": True, "c": True}
    names, last, order = list(up), -1, ""
    for step in range(9):
        up["b"] = step not in range(2, 6)
        last = round_robin(names, last, up.__getitem__)
        order += names[last]
    assert order == "abcacabca"
