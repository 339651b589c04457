"""The page for a request that nothing is there for: what there is instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from rpx.http.head import RequestHead
from rpx.http.pages import Link, Page
from rpx.hub.registry import Registry
from rpx.hub.site import Site
from rpx.policy.route_words import conditions_beside_the_path
from rpx.policy.sites import fixed_part

MOST_LINKS = 50  # of a thousand routes nobody reads more


def unknown(registry: Registry, request: RequestHead) -> Page:
    """Say that no proxy or route takes it, and list what there is, of its host first."""
    host = request.host
    sites = sorted(registry.sites.values(), key=lambda site: host not in site.hosts)
    links = list(chain.from_iterable(_links(registry, site) for site in sites))
    known = "These are known:" if links else "None is known."
    hint = ""
    if len(links) > MOST_LINKS:
        # Hosts lead on to their routes, which would leave no place for them.
        links.sort(key=lambda link: bool(link.leads))
        hint = f"{len(links) - MOST_LINKS} more are listed by `rpx check`"
    shown = tuple(links[:MOST_LINKS])
    if not host:  # only HTTP/1.0 comes so far without
        public = "The request names no host."
        return Page(400, "Bad Request", (f"{public} {known}",), (), shown, hint, public=public)
    if registry.routes.knows(host):
        title, what = "Unknown path", f"this path of {host}"
    else:
        title, what = "Unknown host", f"the host {host}"
    public = f"There is no proxy for {what}."
    return Page(404, title, (f"{public} {known}",), (), shown, hint, public=public)


def _links(registry: Registry, site: Site) -> Iterator[Link]:
    if site.rest.answerer is not None:
        yield from (Link(to, registry.url(to)) for to in site.spec.reached)
    elif not site.ways:
        return
    yield from _routes(registry, site)


def _routes(registry: Registry, site: Site) -> Iterable[Link]:
    for way in site.ways:
        assert way.route is not None  # noqa: S101 - for the type checker: these are the routes'
        conditions = way.route.conditions
        beside = conditions_beside_the_path(conditions)
        base = registry.url(fixed_part(way.place).partition("/")[0])
        paths = [f" {path}" if path[0] == "~" else path for path in conditions.paths]
        text = ", ".join(f"{base}{path}" for path in paths) or f"{base}/*"
        yield Link(text, registry.url(way.place), f"{beside}: {way.does}" if beside else way.does)
