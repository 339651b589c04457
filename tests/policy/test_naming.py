"""How users name backends."""

from __future__ import annotations

import pytest

from rpx.errors import UsageError
from rpx.model.address import SocketFile
from rpx.policy.naming import heard, select
from tests.support.bench import external, registry, spec
from tests.support.specs import backend_spec, varied

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


def test_one_without_a_port_of_its_own_has_an_index() -> None:
    shared = [varied(spec(443), replica=n, by_index=True) for n in (1, 2)]
    file = backend_spec("api", 3, SocketFile("/run/x", "x"), by_index=True)
    rows = registry(*shared, file, clock=lambda: 0.0).snapshot()
    assert [row.label for row in rows] == ["api:1", "api:2", "api:3"]
    assert [row.label for row in select(rows, "unix:x", one=True)] == ["api:3"]
    assert [row.label for row in select(rows, "api:2", one=True)] == ["api:2"]
    with pytest.raises(UsageError, match="`api:443` has 2 backends"):
        select(rows, "api:443", one=True)


def test_an_unknown_name_is_told_the_names_there_are() -> None:
    with pytest.raises(UsageError) as caught:
        select(ROWS, "3009")
    assert "api:3000, api:3001, web:4000, api:3002 (external)" in str(caught.value)


def test_a_service_of_several_copies_is_not_one_backend() -> None:
    with pytest.raises(UsageError, match="`api` has 3 backends"):
        select(ROWS, "api", one=True)


def test_where_one_is_wanted_it_is_the_one_that_rpx_runs() -> None:
    elsewhere = varied(external(3000), name="www")
    rows = registry(elsewhere, spec(3000), clock=lambda: 0.0).snapshot()
    assert [row.label for row in select(rows, "3000", one=True)] == ["api:3000"]
    assert [row.label for row in select(rows, "3000")] == ["www:3000", "api:3000"]


@pytest.mark.parametrize(
    ("names", "own", "labels"),
    [
        ((), False, ["api:3000", "web:4000", "api:9999"]),
        ((), True, ["api:3000", "web:4000", "api:9999", "rpx"]),
        (("api",), False, ["api:3000", "api:9999"]),  # a copy that may still come
        (("3000",), False, ["api:3000"]),
        (("api:3000", "web"), False, ["api:3000", "web:4000"]),
        (("rpx",), False, ["rpx"]),
        (("rpx", "web"), False, ["web:4000", "rpx"]),
    ],
)
def test_whose_output_is_meant(names: tuple[str, ...], own: bool, labels: list[str]) -> None:
    wanted = heard(ROWS, names, own=own)
    assert [each for each in ("api:3000", "web:4000", "api:9999", "rpx") if wanted(each)] == labels


@pytest.mark.parametrize(
    ("typo", "what", "near"),
    [
        ("apj", "service", "api"),
        ("API", "service", "api"),
        ("ap", "service", "api"),
        ("wbe", "service", "web"),
        ("api:300", "backend", "api:3000"),
    ],
)
def test_a_name_that_nothing_has_leads_to_the_nearest(typo: str, what: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(ROWS, typo)
    assert str(caught.value.args[0]) == f"there is no {what} `{typo}` here"
    assert caught.value.problems[0].hint.startswith(f"did you mean `{near}`? the backends of")


def test_nobody_s_output_can_t_be_meant() -> None:
    with pytest.raises(UsageError, match="there is no service `nobody` here"):
        heard(ROWS, ["nobody"], own=True)
