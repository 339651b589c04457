"""What the commands show of a project with routes: a real control API, and no processes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from rpx.cli.main import main
from rpx.control.api import Control
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.policy.lifecycle import Move
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease
from tests.support.routed import routed, ways_of


class Shown:
    """What commands print about the project."""

    def __init__(self, registry: Registry, out: pytest.CaptureFixture[str]) -> None:
        self.registry, self._capture = registry, out

    async def rpx(self, *arguments: str) -> str:
        code = await trio.to_thread.run_sync(main, arguments)
        out, err = self._capture.readouterr()
        assert code == 0, err
        return out


@pytest.fixture
async def shop(
    tmp_path: Path,
    nursery: trio.Nursery,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Shown]:
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "rpx.yaml").touch()
    monkeypatch.chdir(folder)
    registry = routed(folder / "public")
    (folder / "public").mkdir()
    for label in ("shop:5173", "shop-api:4000", "shop-api:4001"):
        registry.judge(registry.endpoint(label), Move.PROBE_UP)
    me = Identity.of(os.getpid())
    with take(Lease(me, me, "run", "shop", folder / "rpx.yaml")) as hold:
        await nursery.start(Control(hold.lease.socket), registry, Shutdown())
        yield Shown(registry, capsys)
        nursery.cancel_scope.cancel()


async def test_ps_has_every_route_also_those_without_backends(
    shop: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    backends, routes, *wrong = (await shop.rpx("ps")).split("\n\n")
    assert [line.split()[0] for line in backends.splitlines()] == [
        *("NAME", "shop", "shop-api", "shop-api", "search")
    ]
    assert [line.split(maxsplit=2) for line in routes.splitlines()] == [
        ["ROUTE", "WHERE", "DOES"],
        ["beta", "shop.localhost/search", "rewrite to /v2/search, to search"],
        ["assets", "shop.localhost/assets/*", "strip /assets, files in ./public, for one page"],
        ["old", "shop.localhost/old/*", "redirect to /new/$1 (308)"],
        ["secret", "shop.localhost/secret", "answer 204"],
        ["static", "static.localhost", "files in ./public/dist"],
    ]
    assert wrong[0] == "beta: no backend of search is in rotation"
    assert wrong[1].startswith("static: there is no folder")


async def test_a_script_that_reads_ps_finds_the_keys_of_backends_in_rows_of_routes(
    shop: Shown,
) -> None:
    rows = json.loads(await shop.rpx("ps", "--json"))
    assert len({tuple(row) for row in rows}) == 1
    found = {row["place"]: row for row in rows if row["does"]}
    old = found["shop.localhost/old/*"]
    assert (old["name"], old["backend"], old["state"]) == ("old", None, "ready")
    assert (old["in_rotation"], old["external"], old["served_by"]) == (True, False, "rpx")
    assert old["url"] == "http://shop.localhost:8080/old"
    assert found["shop.localhost/search"]["served_by"] == "search"
    assert {row["name"] for row in json.loads(await shop.rpx("ps", "assets", "--json"))} == {
        "assets"
    }
    assert (await shop.rpx("ps", "-q")).split() == [
        *("shop:5173", "shop-api:4000", "shop-api:4001", "search:3100")
    ]


async def test_stats_are_also_those_of_a_route_by_its_name(shop: Shown) -> None:
    ways_of(shop.registry)["old"].counts.answered(308, 0.001)
    found = json.loads(await shop.rpx("stats", "old", "--json"))
    assert list(found) == ["shop.localhost/old/*"]
    assert found["shop.localhost/old/*"]["rpx"]["requests"] == 1
    found = json.loads(await shop.rpx("stats", "shop-api", "--json"))
    assert {place: list(each) for place, each in found.items()} == {
        "shop.localhost/api/*": ["localhost:4000", "localhost:4001"]
    }
    assert "shop.localhost/assets/*" in await shop.rpx("stats")
