"""What each host, or path of a host, leads to: from a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from rpx.model.config import Https, PoolSpec, ProxyEntry
from rpx.model.route import Answerer, Route, ToPool, Treatment

NOTHING: Final = Treatment()


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """What clients of one `to` meet. `reached`: all hosts, with or without a path, that lead here.

    `routes` are looked at in their order; `answerer` is for what none of them takes (None: nobody).
    `variables` are those of the project that values of header rules may name. `name` is that of the
    proxy.
    """

    reached: tuple[str, ...]
    answerer: Answerer | None
    routes: tuple[Route, ...] = ()
    treatment: Treatment = NOTHING
    https: Https | None = None
    variables: tuple[tuple[str, str], ...] = ()
    name: str = ""


def plan_sites(proxies: Iterable[ProxyEntry], variables: Mapping[str, str]) -> dict[str, SiteSpec]:
    """Return what each `to` leads to; the routes of entries with the same one follow each other."""
    sites: dict[str, SiteSpec] = {}
    for proxy in proxies:
        if not proxy.reached:
            continue
        answerer = proxy.answerer
        if answerer is None and has_pool(proxy):
            answerer = ToPool(pool=proxy.to)
        new = SiteSpec(
            (proxy.to, *proxy.also),
            answerer,
            proxy.routes,
            proxy.treatment,
            proxy.pool.https,
            tuple(variables.items()),
            proxy.name,
        )
        before = sites.get(proxy.to, new)
        sites[proxy.to] = replace(
            new,
            name=before.name,
            reached=tuple(dict.fromkeys(before.reached + new.reached)),
            answerer=before.answerer or answerer,
            routes=before.routes if before is new else before.routes + new.routes,
        )
    return sites


def sites_of_pools(pools: Iterable[tuple[str, PoolSpec]]) -> dict[str, SiteSpec]:
    """Return sites that are a pool each, for whom it is enough to say which pools there are."""
    return {to: SiteSpec((to,), ToPool(pool=to), https=pool.https) for to, pool in pools}


def leading_to(to: str, sites: Mapping[str, SiteSpec]) -> tuple[str, ...]:
    """Return all hosts, with or without a path, that lead to the pool of `to`: its own first, then
    those with routes to it.
    """
    own = fixed_part(to)
    path = own.partition("/")[2]
    found = [own, *(sites[to].reached[1:] if to in sites else ())]
    for site in sites.values():
        if any(route.answerer == ToPool(pool=to) for route in site.routes):
            hosts = [each.partition("/")[0] for each in site.reached]
            found += hosts if to in sites else [f"{host}/{path}" for host in hosts]
    return tuple(dict.fromkeys(found))


def has_pool(proxy: ProxyEntry) -> bool:
    """Whether an entry has backends of its own."""
    return bool(proxy.sources or proxy.replicas)


def fixed_part(place: str) -> str:
    """Return a host with as much of a path behind it as is no pattern: of `shop.localhost/api/*`
    it is `shop.localhost/api`.
    """
    host, _, path = place.partition("/")
    fixed = [host.partition("~")[0]]
    for segment in path.split("/") if "~" not in host and path else ():
        if "*" in segment or segment.startswith(":"):
            break
        fixed.append(segment.partition(" ")[0])
    return "/".join(fixed)
