"""`rpx open`: which URL, and in which browser."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from rpx.cli.main import main
from rpx.config import config_from_mapping
from rpx.control.api import Control
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.ports import Ports
from rpx.policy.plan import plan_backends, plan_pools
from rpx.policy.sites import plan_sites
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease


@pytest.fixture
async def running(
    tmp_path: Path, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Path]:
    """A project whose browser writes down what it is to open."""
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    monkeypatch.setattr("webbrowser._tryorder", None)  # it looks at $BROWSER once
    file = tmp_path / "rpx.yaml"
    file.touch()
    monkeypatch.chdir(tmp_path)
    several = ["*/any", "bücher.localhost", "www.shop.localhost/x"]
    routes = ("shop.localhost", "shop.localhost/api", "*.tenant.localhost", "[::1]/six", several)
    proxies = [{"to": to, "from": 3000 + number} for number, to in enumerate(routes)]
    config = config_from_mapping({"proxies": proxies}, root=tmp_path, environ={})
    registry = Registry(
        plan_backends(config, Ports(8080)),
        plan_pools(config.proxies),
        plan_sites(config.proxies, {}),
        clock=trio.current_time,
        ports=Ports(8080),
    )
    me = Identity.of(os.getpid())
    with take(Lease(me, me, "run", "shop", file)) as hold:
        await nursery.start(Control(hold.lease.socket), registry, Shutdown())
        yield tmp_path
        nursery.cancel_scope.cancel()


async def rpx(*words: str) -> int:
    return await trio.to_thread.run_sync(main, words)


@pytest.mark.parametrize(
    ("words", "url"),
    [
        ((), "http://shop.localhost:8080"),
        (("shop",), "http://shop.localhost:8080"),
        (("SHOP.localhost",), "http://shop.localhost:8080"),
        (("shop-api",), "http://shop.localhost:8080/api"),
        (("shop.localhost/api",), "http://shop.localhost:8080/api"),
        (("[::1]/six",), "http://[::1]:8080/six"),
        (("any",), "http://localhost:8080/any"),
        (("Bücher.localhost",), "http://xn--bcher-kva.localhost:8080"),
        (("www.shop.localhost/x",), "http://www.shop.localhost:8080/x"),
    ],
)
async def test_a_proxy_is_opened_and_its_url_printed(
    running: Path, words: tuple[str, ...], url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await rpx("open", *words) == 0
    assert capsys.readouterr() == (f"{url}\n", "")
    assert (running / "opened").read_text() == f"{url}\n"


async def test_without_a_browser_the_url_is_printed(
    running: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("webbrowser._tryorder", [])
    assert await rpx("open") == 1
    out, err = capsys.readouterr()
    assert out == "http://shop.localhost:8080\n"
    assert err == "there is no browser to open it with; $BROWSER names one\n"


async def test_a_wildcard_is_no_page(running: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await rpx("open", "tenant") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: http://*.tenant.localhost:8080 is a pattern" in err


async def test_a_proxy_that_is_not_there_is_said_with_those_that_are(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await rpx("open", "nope") == 2
    assert capsys.readouterr().err == (
        "error: there is no proxy `nope` here\n"
        "hint: the proxies of this project are shop, shop-api, tenant, 1, any\n"
    )
