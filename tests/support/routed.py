"""A project with a route of each kind, none of it running."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rpx.hub.registry import Registry
from rpx.hub.site import Way
from rpx.model.address import Address
from rpx.model.config import PoolSpec, ProxyEntry, Source, Sticky
from rpx.model.ports import Ports
from rpx.model.route import (
    BasicAuth,
    Conditions,
    FixedAnswer,
    Redirect,
    Route,
    StaticFiles,
    ToPool,
    Treatment,
)
from rpx.policy.sites import SiteSpec, plan_sites
from tests.support.specs import backend_spec

SHOP, API, SEARCH = "shop.localhost", "shop.localhost/api/*", "search.localhost"


def routes(folder: Path) -> tuple[Route, ...]:
    """Those of the shop, in their order."""
    return (
        Route(
            name="api",
            conditions=Conditions(paths=("/api/*",)),
            answerer=ToPool(pool=API),
            strip_prefix="/api",
        ),
        Route(
            name="beta",
            conditions=Conditions(
                paths=("/search",),
                methods=("GET",),
                headers=(("x-beta", "1"),),
                query=(("v", "2"),),
            ),
            answerer=ToPool(pool=SEARCH),
            rewrite="/v2/search",
        ),
        Route(
            name="assets",
            conditions=Conditions(paths=("/assets/*",)),
            answerer=StaticFiles(folder=folder, spa=True),
            strip_prefix="/assets",
        ),
        Route(
            name="old",
            conditions=Conditions(paths=("/old/*", "/older/*")),
            answerer=Redirect(to="/new/$1", status=308),
        ),
        Route(
            name="secret",
            conditions=Conditions(paths=("/secret",)),
            answerer=FixedAnswer(status=204),
            treatment=Treatment(auth=BasicAuth(users=(("ann", "pass"),))),
        ),
    )


def entries(folder: Path) -> tuple[ProxyEntry, ...]:
    """The shop with its routes and the backends of one, the search, and a host that is files."""

    def sources(*ports: int) -> tuple[Source, ...]:
        return tuple(Source(address=Address("localhost", port)) for port in ports)

    return (
        ProxyEntry(
            to=SHOP,
            also=("www.shop.localhost",),
            name="shop",
            sources=sources(5173),
            routes=routes(folder),
        ),
        ProxyEntry(to=API, reached=False, name="shop-api", sources=sources(4000, 4001)),
        ProxyEntry(to=SEARCH, name="search", sources=sources(3100), pool=PoolSpec(sticky=Sticky())),
        ProxyEntry(
            to="static.localhost",
            name="static",
            sources=(),
            answerer=StaticFiles(folder=folder / "dist"),
        ),
    )


def routed(folder: Path, *, sites: Mapping[str, SiteSpec] | None = None) -> Registry:
    """Return the registry of these; nobody has looked yet whether the backends are up."""
    proxies = entries(folder)
    specs = [
        backend_spec(proxy.name, number, source.address, host=proxy.to)
        for proxy in proxies
        for number, source in enumerate(proxy.sources, 1)
    ]
    pools = {proxy.to: proxy.pool for proxy in proxies if proxy.sources}
    found = plan_sites(proxies, {}) if sites is None else sites
    return Registry(specs, pools, found, clock=lambda: 1_000.0, ports=Ports(8080), key=b"key")


def ways_of(registry: Registry) -> Mapping[str, Way]:
    """The ways by their names."""
    return {way.name: way for site in registry.sites.values() for way in site.all_ways}
