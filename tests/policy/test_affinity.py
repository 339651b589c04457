"""Which cookie value stands for which backend, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from rpx.model.config import Sticky
from rpx.policy.affinity import Pins


@dataclass(eq=False)
class Member:
    identity: str
    weight: int = 1
    in_flight: int = 0


A, B = Member("api/1"), Member("localhost:3001")


def pins(key: bytes = b"key") -> Pins[Member]:
    return Pins(Sticky(), [A, B], key)


def test_a_value_names_its_member_and_says_nothing_else() -> None:
    values = [pins().value(member) for member in (A, B)]
    assert [pins().member([value]) for value in values] == [A, B]
    for value in values:
        assert re.fullmatch(rb"[A-Z2-7]{16}", value)


def test_a_value_lasts_as_long_as_the_key() -> None:
    assert pins().value(A) == pins().value(A)
    assert pins(b"other").value(A) != pins().value(A)


@pytest.mark.parametrize(
    "values", [[], [b""], [b"A" * 16], [b"x" * 100_000], [b"\xff\x00"], [b"%00"]]
)
def test_what_is_no_value_names_nobody(values: list[bytes]) -> None:
    assert pins().member(values) is None


def test_that_of_another_route_may_be_beside_it() -> None:
    below = Pins(Sticky(), [A, B], b"key", "/api")
    root = pins().value(A)
    assert below.member([root]) is None
    assert below.member([below.value(B), root]) is B
    assert below.member([root, below.value(B)]) is B


def test_two_cookies_name_nobody() -> None:
    value = pins().value(A)
    assert pins().member([value, value]) is None
