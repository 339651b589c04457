"""How users name backends."""

from __future__ import annotations

import pytest

from rpx.errors import UsageError
from rpx.policy.naming import select
from tests.support.bench import external, registry, spec

SPECS = (spec(3000), spec(3001), spec(4000, name="web"), external(3002))
ROWS = registry(*SPECS, clock=lambda: 0.0).snapshot()


@pytest.mark.parametrize(
    ("target", "labels"),
    [
        ("3001", ["api:3001"]),
        (":3001", ["api:3001"]),
        ("localhost:3001", ["api:3001"]),
        ("api:3001", ["api:3001"]),
        ("api:2", ["api:3001"]),
        ("api", ["api:3000", "api:3001", "api:3002"]),
        ("web", ["web:4000"]),
    ],
)
def test_a_backend_has_many_names(target: str, labels: list[str]) -> None:
    assert [row.label for row in select(ROWS, target)] == labels


def test_an_unknown_name_is_told_the_names_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        select(ROWS, "3009")
    assert "api:3000, api:3001, web:4000, api:3002 (external)" in str(caught.value)


def test_a_service_of_several_copies_is_not_one_backend() -> None:
    with pytest.raises(UsageError, match="`api` has 3 backends"):
        select(ROWS, "api", one=True)
