"""`to`: hosts, wildcards, addresses and paths, and what a proxy is called by them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.errors import ConfigError
from rpx.model.config import Config
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
    ("name", "hint"),
    [
        ("bücher.localhost", "browsers ask for it as `xn--bcher-kva.localhost`: write that"),
        ("*.Zürich.test", "browsers ask for it as `*.xn--zrich-kva.test`: write that"),
        ("straße.localhost", ""),  # browsers and Python read it in two ways
        ("a b.localhost", ""),
        ("ü" * 70 + ".localhost", ""),
    ],
)
def test_a_name_that_is_not_ascii_is_said_as_browsers_ask_for_it(
    tmp_path: Path, name: str, hint: str
) -> None:
    path = tmp_path / "rpx.yaml"
    path.write_text(f"to: '{name}'\nfrom: 3000\n")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    (problem,) = caught.value.problems
    assert problem.hint == hint or (not hint and problem.hint.endswith("others as xn--…"))
