"""What the commands show of a project with routes: a real control API, and no processes."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
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


WAYS = [
    (
        "http://shop.localhost/api/x?y=1",
        [
            "route 1 of shop, strip /api, shop-api: round-robin over localhost:4000, localhost:4001",  # noqa: E501 - as it is printed
            "  backends    shop-api:4000 ready, its turn",
            "              shop-api:4001 ready",
            "  it sees     GET /x?y=1",
            "  note        rpx listens at http://shop.localhost:8080",
        ],
    ),
    (
        "www.shop.localhost:8080/assets/logo.svg",
        [
            "route 3 of shop, strip /assets, files in ./public: /logo.svg",
            "  file        ./public/logo.svg",
            "  not by      route 1, api: the path is not /api/*",
            "              route 2, beta: the path is not /search",
        ],
    ),
    (
        "shop.localhost:8080/assets/users/7",
        [
            "route 3 of shop, strip /assets, files in ./public: /users/7",
            "  file        ./public/index.html",
            "  not by      route 1, api: the path is not /api/*",
            "              route 2, beta: the path is not /search",
            "hint: there is no such file: the index of the page is sent instead",
        ],
    ),
    (
        "http://shop.localhost:8080/old/a?b",
        [
            "route 4 of shop, redirect to /new/a?b (308)",
            "  not by      route 1, api: the path is not /api/*",
            "              route 2, beta: the path is not /search",
            "              route 3, assets: the path is not /assets/*",
        ],
    ),
    (
        "http://shop.localhost:8080/search?v=2",
        [
            "no route of shop takes it, shop: round-robin over localhost:5173",
            "  backends    shop:5173 ready, its turn",
            "  it sees     GET /search?v=2",
            "  not by      route 1, api: the path is not /api/*",
            "              route 2, beta: X-Beta is not 1",
            "              route 3, assets: the path is not /assets/*",
            "              route 4, old: the path is not /old/* or /older/*",
            "              route 5, secret: the path is not /secret",
        ],
    ),
    (
        "http://search.localhost:8080/",
        [
            "search: round-robin over localhost:3100",
            "  backends    search:3100 unhealthy, out of rotation",
            "  it sees     GET /",
            "  note        sticky by the cookie `server_id`: a client keeps it",
            (
                "hint: none is in rotation: `rpx why search` says why; requests wait up to 10 s for"
                " one that is to come back"
            ),
        ],
    ),
    (
        "http://static.localhost:8080/x",
        [
            "files in ./public/dist: /x",
            "hint: there is no folder ./public/dist",
        ],
    ),
    (
        "http://shpo.localhost/",
        [
            "no proxy has the host shpo.localhost (404)",
            (
                "hint: did you mean `shop.localhost`? the hosts of this project are shop.localhost,"
                " www.shop.localhost, search.localhost, static.localhost"
            ),
        ],
    ),
    (
        "https://shop.localhost/",
        [
            "shop has no `https`: the connection ends before anything is asked",
            "hint: http://shop.localhost:8080/ is without TLS; `https: true` gives it TLS",
        ],
    ),
]


@pytest.mark.parametrize(("url", "lines"), WAYS, ids=[url for url, _ in WAYS])
async def test_why_says_which_way_a_url_takes(shop: Shown, url: str, lines: list[str]) -> None:
    (Path.cwd() / "public" / "logo.svg").touch()
    (Path.cwd() / "public" / "index.html").touch()
    found = (await shop.rpx("why", url)).splitlines()
    assert found == [f"{url}: {lines[0]}", *lines[1:]]


async def test_why_asks_with_the_method_and_fields_that_a_route_wants(shop: Shown) -> None:
    url = "http://shop.localhost:8080/search?v=2"
    beta = await shop.rpx("why", url, "-H", "X-Beta: 1")
    assert beta.startswith(f"{url}: route 2 of shop, rewrite to /v2/search, search: ")
    assert "  it sees     GET /v2/search?v=2\n" in beta
    other = await shop.rpx("why", url, "-H", "X-Beta: 1", "-X", "POST")
    assert "route 2, beta: the method is not GET\n" in other
    secret = "http://shop.localhost/secret"
    unasked = await shop.rpx("why", secret)  # without one it is about what comes behind it
    assert "route 5 of shop, answer 204" in unasked
    assert "a name and a password are asked for first (401): those of ann" in unasked
    wrong = await shop.rpx("why", secret, "-H", "Authorization: Basic YW5uOmFubg==")
    assert "a name and a password are asked for (401)" in wrong
    known = await shop.rpx("why", secret, "-H", "Authorization: Basic YW5uOnBhc3M=")
    assert "route 5 of shop, answer 204" in known
    assert "are asked for" not in known


async def test_why_finds_files_of_a_route_as_requests_do(shop: Shown) -> None:
    site = shop.registry.sites["shop.localhost"]
    whole = [each for each in site.spec.routes if each.name == "assets"]
    route = whole[0].model_copy(update={"strip_prefix": ""})
    registry = shop.registry
    registry.arrange(
        {to: pool.spec for to, pool in registry.pools.items()},
        {to: pool.backends for to, pool in registry.pools.items()},
        sites={"shop.localhost": replace(site.spec, routes=(route,))},
    )
    (Path.cwd() / "public" / "assets").mkdir()
    (Path.cwd() / "public" / "assets" / "a.js").touch()
    (Path.cwd() / "public" / "b.js").touch()
    url = "http://shop.localhost:8080/assets"
    found = await shop.rpx("why", f"{url}/a.js", f"{url}/b.js")
    assert "  file        ./public/assets/a.js\n" in found
    assert "  file        ./public/b.js\n" in found


async def test_why_tells_programs_of_names_and_urls_together(shop: Shown) -> None:
    before = [await shop.rpx("why", "shop.localhost/api") for _ in range(3)]
    assert len(set(before)) == 1  # nobody's turn has gone
    name, way = json.loads(await shop.rpx("why", "--json", "shop.localhost/api", "4000"))
    assert name["label"] == "shop-api:4000"
    assert (way["outcome"], way["route"], way["target"]) == ("backend", 1, "/")
    assert [each["next"] for each in way["backends"]] == [True, False]
    assert way["place"] == "shop.localhost/api/*"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://shop.localhost/"], "is no URL that clients of a proxy have"),
        (["http://shop.localhost:x/"], "is no URL"),
        (["http://shop.localhost/", "-H", "nonsense"], "no client could ask like this"),
        (["shop", "-X", "POST"], "there is no URL"),
    ],
)
async def test_why_says_what_is_wrong_with_a_question(
    shop: Shown, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await trio.to_thread.run_sync(main, ["why", *arguments]) == 2
    assert said in capsys.readouterr().err
