"""Which cookie value stands for which backend, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from rpx.model.config import Sticky
from rpx.policy.affinity import Affinity


@dataclass(eq=False)
class Member:
    identity: str
    weight: int = 1
    in_flight: int = 0


A, B = Member("api/1"), Member("localhost:3001")


def affinity(key: bytes = b"key") -> Affinity[Member]:
    return Affinity(Sticky(), [A, B], key)


def test_a_value_names_its_member_and_says_nothing_else() -> None:
    values = [affinity().value(member) for member in (A, B)]
    assert [affinity().member([value]) for value in values] == [A, B]
    for value in values:
        assert re.fullmatch(rb"[A-Z2-7]{16}", value)


def test_a_value_lasts_as_long_as_the_key() -> None:
    assert affinity().value(A) == affinity().value(A)
    assert affinity(b"other").value(A) != affinity().value(A)


@pytest.mark.parametrize(
    "values", [[], [b""], [b"A" * 16], [b"x" * 100_000], [b"\xff\x00"], [b"%00"]]
)
def test_what_is_no_value_names_nobody(values: list[bytes]) -> None:
    assert affinity().member(values) is None


def test_that_of_another_route_may_be_beside_it() -> None:
    below = Affinity(Sticky(), [A, B], b"key", ["a.test/api"])
    root = affinity().value(A)
    assert below.member([root]) is None
    assert below.member([below.value(B), root]) is B
    assert below.member([root, below.value(B)]) is B


def test_its_path_is_that_of_the_host_that_leads_to_it() -> None:
    there = ["a.test/x", "b.test/y/z", "b.test/y", "c.test"]
    found = Affinity(Sticky(), [A, B], b"key", there)
    paths = {host: found.path(host) for host in ("a.test", "b.test", "c.test", "other.test")}
    assert paths == {
        "a.test": b"/x",
        "b.test": b"/y",
        "c.test": b"/",
        "other.test": b"/x",  # by a wildcard
    }


def test_two_cookies_name_nobody() -> None:
    value = affinity().value(A)
    assert affinity().member([value, value]) is None
