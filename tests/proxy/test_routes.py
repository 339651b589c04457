"""Wildcards, paths and addresses as hosts, through a real server."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from rpx.app import new_registry
from rpx.config import config_from_mapping
from rpx.model.ports import Ports
from tests.proxy.house import House, serving
from tests.support.origin import Origin, answers, origin, says

TO = ("shop.localhost", "shop.localhost/api", "*.tenant.localhost", "[::1]")


@asynccontextmanager
async def shop() -> AsyncIterator[tuple[House, dict[str, Origin]]]:
    """A server with a backend behind each route, which answers with the route's name."""
    async with AsyncExitStack() as stack:
        origins = {to: await stack.enter_async_context(origin(answers(says(to)))) for to in TO}
        proxies = [{"to": to, "from": f"127.0.0.1:{it.port}"} for to, it in origins.items()]
        config = config_from_mapping({"proxies": proxies}, root=Path("/"), environ={})
        house = House(new_registry(config, b"", Ports()), verbose=False)
        await stack.enter_async_context(serving(house))
        yield house, origins


def request(target: str, host: str, *fields: str) -> bytes:
    return "\r\n".join((f"GET {target} HTTP/1.1", f"Host: {host}", *fields, "", "")).encode()


@pytest.mark.parametrize(
    ("target", "host", "to"),
    [
        ("/", "shop.localhost", "shop.localhost"),
        ("/api", "SHOP.localhost.:8080", "shop.localhost/api"),
        ("/api/users?page=/x", "shop.localhost", "shop.localhost/api"),
        ("/apis", "shop.localhost", "shop.localhost"),
        ("/?/api", "shop.localhost", "shop.localhost"),
        ("http://shop.localhost/api/x", "shop.localhost", "shop.localhost/api"),
        ("http://a.tenant.localhost", "a.tenant.localhost", "*.tenant.localhost"),
        ("/", "a.tenant.localhost", "*.tenant.localhost"),
        ("/", "[::1]:8080", "[::1]"),
        ("/", "[0:0::1]", "[::1]"),
    ],
)
async def test_a_request_goes_where_host_and_path_say(target: str, host: str, to: str) -> None:
    async with shop() as (house, _):
        client = await house.client()
        await client.send(request(target, host))
        assert (await client.answer()).body.decode() == to


async def test_each_request_of_a_connection_is_routed_by_itself() -> None:
    async with shop() as (house, _):
        client = await house.client()
        for target in ("/", "/api", "/", "/api/x"):
            await client.send(request(target, "shop.localhost"))
            expected = "shop.localhost/api" if "api" in target else "shop.localhost"
            assert (await client.answer()).body.decode() == expected


async def test_the_backend_sees_the_whole_path() -> None:
    async with shop() as (house, origins):
        client = await house.client()
        await client.send(request("/api/users?q=1", "shop.localhost"))
        await client.answer()
        (seen,) = origins["shop.localhost/api"].requests
        assert seen.startswith(b"GET /api/users?q=1 HTTP/1.1\r\nHost: shop.localhost\r\n")


@pytest.mark.parametrize(
    ("host", "title", "detail"),
    [
        ("tenant.localhost", "Unknown host", "the host tenant.localhost"),
        ("a.b.tenant.localhost", "Unknown host", "the host a.b.tenant.localhost"),
    ],
)
async def test_what_a_wildcard_does_not_cover_is_unknown(
    host: str, title: str, detail: str
) -> None:
    async with shop() as (house, _):
        client = await house.client()
        await client.send(request("/", host, "Accept: application/json"))
        page = json.loads((await client.answer()).body)
        assert page["title"] == title
        assert detail in page["detail"]
        assert [link["text"] for link in page["hosts"]] == list(TO)
        assert page["hosts"][1]["url"] == f"http://shop.localhost:{house.port}/api"


async def test_a_path_that_nobody_has_is_said_and_a_wildcard_is_no_link() -> None:
    async with origin() as backend:
        proxies: list[dict[str, object]] = [
            {"to": to, "from": backend.port} for to in ("a.test/api", "*.b.test")
        ]
        proxies[1]["routes"] = [{"path": "~/[0-9]+/x", "respond": "ok"}]
        config = config_from_mapping({"proxies": proxies}, root=Path("/"), environ={})
        async with serving(House(new_registry(config, b"", Ports()), verbose=False)) as house:
            client = await house.client()
            await client.send(request("/other", "a.test", "Accept: text/html"))
            answer = await client.answer()
            assert answer.status == 404
            assert b"There is no proxy for this path of a.test." in answer.body
            assert f'href="http://a.test:{house.port}/api"'.encode() in answer.body
            assert b"<li>*.b.test</li>" in answer.body
            base = f"http://*.b.test:{house.port}"
            assert f"{base} ~/[0-9]+/x" in answer.body.decode()


async def test_routes_of_one_host_have_sticky_cookies_of_their_own() -> None:
    async with AsyncExitStack() as stack:
        names = ("root", "api")
        places = [
            (await stack.enter_async_context(origin(answers(says(name))))).port for name in names
        ]
        proxies = [
            {"to": f"a.test{path}", "from": f"127.0.0.1:{port}"}
            for path, port in zip(("", "/api"), places, strict=True)
        ]
        mapping = {"proxies": proxies, "defaults": {"sticky": True}}
        config = config_from_mapping(mapping, root=Path("/"), environ={})
        house = House(new_registry(config, b"key", Ports()), verbose=False)
        await stack.enter_async_context(serving(house))
        client = await house.client()
        cookies = []
        for target, path in (("/", "/"), ("/api/x", "/api")):
            await client.send(request(target, "a.test"))
            line = (await client.answer()).field("set-cookie") or ""
            assert f"; Path={path};" in line
            cookies.append(line.partition(";")[0])
        # As a browser sends them: the longer path first, and that of `/` for every path.
        await client.send(request("/api/x", "a.test", f"Cookie: {cookies[1]}; {cookies[0]}"))
        assert (await client.answer()).field("set-cookie") is None
        await client.send(request("/", "a.test", f"Cookie: {cookies[0]}"))
        assert (await client.answer()).field("set-cookie") is None


async def test_pools_of_one_host_and_path_have_sticky_cookies_of_their_own() -> None:
    async with AsyncExitStack() as stack:
        names = ("shop", "search", "beta")
        shop_port, search_port, beta_port = [
            (await stack.enter_async_context(origin(answers(says(name))))).port for name in names
        ]
        routes = [
            {"path": "/search", "proxy": "search"},
            {"headers": {"X-Beta": "1"}, "from": beta_port},
        ]
        proxies = [
            {"to": ["a.test", "*.a.test"], "from": shop_port, "routes": routes},
            {"to": "search.test/v1", "from": search_port},
        ]
        mapping = {"proxies": proxies, "defaults": {"sticky": True}}
        config = config_from_mapping(mapping, root=Path("/"), environ={})
        house = House(new_registry(config, b"key", Ports()), verbose=False)
        await stack.enter_async_context(serving(house))
        client = await house.client()
        for host in ("a.test", "x.a.test"):
            asked = {"/": (), "/search": (), "/beta": ("X-Beta: 1",)}
            cookies = []
            for target, fields in asked.items():
                await client.send(request(target, host, *fields))
                line = (await client.answer()).field("set-cookie") or ""
                assert "; Path=/;" in line
                cookies.append(line.partition(";")[0])
            assert len({cookie.partition("=")[0] for cookie in cookies}) == len(asked)
            for target, fields in asked.items():
                await client.send(request(target, host, f"Cookie: {'; '.join(cookies)}", *fields))
                assert (await client.answer()).field("set-cookie") is None


async def test_figures_and_urls_are_by_route() -> None:
    async with shop() as (house, _):
        client = await house.client()
        await client.send(request("/api", "shop.localhost"))
        await client.answer()
        await house.idle()
        stats = house.registry.stats()
        assert list(stats) == list(TO)
        assert [figures["requests"] for figures in stats["shop.localhost/api"].values()] == [1]
        urls = [row.url for row in house.registry.snapshot()]
        assert urls[1:] == [
            f"http://shop.localhost:{house.port}/api",
            f"http://*.tenant.localhost:{house.port}",
            f"http://[::1]:{house.port}",
        ]
