"""What each host leads to, from a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.model.address import Address
from rpx.model.config import ProxyEntry, Source
from rpx.model.route import Conditions, FixedAnswer, Route, StaticFiles, ToPool
from rpx.policy.sites import fixed_part, plan_sites


@pytest.mark.parametrize(
    ("place", "fixed"),
    [
        ("shop.localhost", "shop.localhost"),
        ("*.shop.localhost", "*.shop.localhost"),
        ("shop.localhost/api", "shop.localhost/api"),
        ("shop.localhost/api/*", "shop.localhost/api"),
        ("shop.localhost/api/* (2)", "shop.localhost/api"),
        ("shop.localhost/users/:id/x", "shop.localhost/users"),
        ("shop.localhost/*.png", "shop.localhost"),
        ("shop.localhost/*", "shop.localhost"),
    ],
)
def test_the_fixed_part_of_a_place_ends_where_a_pattern_begins(place: str, fixed: str) -> None:
    assert fixed_part(place) == fixed


def _entry(to: str, port: int, **keys: object) -> ProxyEntry:
    source = Source(address=Address("localhost", port))
    return ProxyEntry(to=to, name=to, sources=(source,), **keys)


def test_routes_of_entries_with_one_host_follow_each_other() -> None:
    first = Route(name="a", conditions=Conditions(paths=("/a",)), answerer=FixedAnswer())
    second = Route(name="b", conditions=Conditions(paths=("/b",)), answerer=FixedAnswer())
    sites = plan_sites(
        [
            _entry("shop.localhost", 1, routes=(first,), also=("www.shop.localhost",)),
            _entry("shop.localhost", 2, routes=(second,)),
        ],
        {},
    )
    (site,) = sites.values()
    assert site.routes == (first, second)
    assert site.reached == ("shop.localhost", "www.shop.localhost")
    assert site.answerer == ToPool(pool="shop.localhost")


def test_backends_of_a_route_are_no_site_and_files_need_no_backend(tmp_path: Path) -> None:
    files = StaticFiles(folder=tmp_path)
    sites = plan_sites(
        [
            _entry("shop.localhost/api/*", 1, reached=False),
            ProxyEntry(to="static.localhost", name="static", sources=(), answerer=files),
        ],
        {},
    )
    assert list(sites) == ["static.localhost"]
    assert sites["static.localhost"].answerer == files
