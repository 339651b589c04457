"""`to`: hosts, wildcards, addresses and paths, and what a proxy is called by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.model.config import Config
from rpx.policy.plan import plan_pools
from tests.config.support import describe, undescribable


def described(folder: Path, *routes: str) -> Config:
    proxies = [{"to": to, "from": 3000 + number} for number, to in enumerate(routes)]
    return describe(folder, proxies=proxies)


@pytest.mark.parametrize(
    ("written", "to", "name"),
    [
        ("API.Localhost.", "api.localhost", "api"),
        ("api.localhost/", "api.localhost", "api"),
        ("Api.localhost/V1/", "api.localhost/V1", "api"),
        ("api.localhost/a%20b/~x", "api.localhost/a%20b/~x", "api"),
        ("*.tenant.localhost", "*.tenant.localhost", "tenant"),
        ("*.localhost/api", "*.localhost/api", "localhost"),
        ("[::1]", "[::1]", "1"),
        ("[0:0:0:0:0:0:0:1]/x", "[::1]/x", "1"),
        ("[FD00::1]", "[fd00::1]", "fd00-1"),
        ("127.0.0.1", "127.0.0.1", "127"),
    ],
)
def test_a_route_has_one_form(tmp_path: Path, written: str, to: str, name: str) -> None:
    (proxy,) = described(tmp_path, written).proxies
    assert (proxy.to, proxy.name) == (to, name)


def test_paths_of_one_host_are_called_by_host_and_path(tmp_path: Path) -> None:
    config = described(tmp_path, "shop.localhost", "shop.localhost/api/v1", "x.localhost/api")
    assert [proxy.name for proxy in config.proxies] == ["shop", "shop-api-v1", "x"]


def test_the_same_route_in_two_spellings_is_one_pool(tmp_path: Path) -> None:
    config = described(tmp_path, "shop.localhost/api", "SHOP.localhost/api/")
    assert [proxy.to for proxy in config.proxies] == ["shop.localhost/api"] * 2
    assert [proxy.name for proxy in config.proxies] == ["shop", "shop"]


def test_two_hosts_with_the_same_first_label_still_need_names(tmp_path: Path) -> None:
    proxies = [{"to": "api.localhost", "from": 1}, {"to": "*.api.localhost/x", "from": 2}]
    (problem,) = undescribable(tmp_path, proxies=proxies)
    assert problem.what.startswith("two proxies are called `api`")


@pytest.mark.parametrize(
    ("written", "to", "name"),
    [
        ("bücher.localhost", "xn--bcher-kva.localhost", "bucher"),
        ("xn--bcher-kva.localhost", "xn--bcher-kva.localhost", "bucher"),
        ("*.Zürich.test", "*.xn--zrich-kva.test", "zurich"),
        ("STRASSE.straße.localhost/ok", "strasse.xn--strae-oqa.localhost/ok", "strasse"),
        ("日本.localhost", "xn--wgv71a.localhost", "xn-wgv71a"),
        ("a。bücher.test", "a.xn--bcher-kva.test", "a"),
        ("🍕.localhost", "xn--vi8h.localhost", "xn-vi8h"),
        ("my_app.localhost", "my_app.localhost", "my_app"),
        ("_a_._b.localhost", "_a_._b.localhost", "a_"),
        ("*", "*", "any"),
        ("*/api", "*/api", "any"),
    ],
)
def test_a_name_is_as_browsers_ask_for_it(tmp_path: Path, written: str, to: str, name: str) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text(f"to: '{written}'\nfrom: 3000\n")
    (proxy,) = load_config(path, {}).proxies
    assert (proxy.to, proxy.name) == (to, name)


@pytest.mark.parametrize("name", ["a b.localhost", "ü" * 70 + ".localhost", "a\u202eb.test"])
def test_what_no_browser_asks_for_is_no_name(tmp_path: Path, name: str) -> None:
    (problem,) = undescribable(tmp_path, to=name, from_=3000)
    assert "is not a host name" in problem.what


def test_a_list_is_one_proxy_by_its_first_and_is_reached_by_all(tmp_path: Path) -> None:
    hosts = ["Shop.localhost", "www.shop.localhost", "shop.localhost/old", "other.test/x"]
    config = describe(tmp_path, to=hosts, from_=3000)
    (proxy,) = config.proxies
    assert (proxy.name, proxy.to, proxy.also) == (
        "shop",
        "shop.localhost",
        ("www.shop.localhost", "shop.localhost/old", "other.test/x"),
    )
    assert config.hosts == ("shop.localhost", "www.shop.localhost", "other.test")


def test_the_same_list_twice_is_one_pool(tmp_path: Path) -> None:
    both = ["a.localhost", "b.localhost"]
    config = describe(tmp_path, proxies=[{"to": both, "from": 1}, {"to": both, "from": 2}])
    assert plan_pools(config.proxies).keys() == {"a.localhost"}
    assert [proxy.also for proxy in config.proxies] == [("b.localhost",)] * 2


def test_hosts_of_one_list_have_https_together(tmp_path: Path) -> None:
    config = describe(
        tmp_path,
        proxies=[
            {"to": "a.localhost/x", "from": 1},
            {"to": "c.localhost", "from": 2},
            {"to": ["a.localhost", "b.localhost"], "from": 3},
            {"to": ["b.localhost/y", "c.localhost/y"], "from": 4, "https": True},
            {"to": "d.localhost", "from": 5},
        ],
    )
    assert list(config.secured) == ["a.localhost", "c.localhost", "b.localhost"]
