"""What is different about what hosts lead to: routes, who answers, what is done on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rpx.model.config import PoolSpec, ProxyEntry
from rpx.model.route import Answerer, FixedAnswer, Redirect, Route, StaticFiles, ToPool, Treatment
from rpx.policy.plan import plan_pools
from rpx.policy.sites import SiteSpec, plan_sites

ROUTES = "routes"
ADDED, REMOVED = "added", "removed"


@dataclass(frozen=True, slots=True)
class SiteChange:
    """One `to`, and the settings that differ, as rpx.yaml names them: also `routes`, which have
    sentences of their own. One that comes or goes without backends is just ADDED or REMOVED.
    """

    to: str
    differs: tuple[str, ...]
    routes: tuple[str, ...] = ()


def site_changes(
    before: tuple[ProxyEntry, ...], after: tuple[ProxyEntry, ...]
) -> tuple[SiteChange, ...]:
    """Return those that differ, in the order of `after`; those that go are the last."""
    old_sites, new_sites = plan_sites(before, {}), plan_sites(after, {})
    old_pools, new_pools = plan_pools(before), plan_pools(after)
    found = []
    for to in dict.fromkeys([*new_sites, *new_pools]):
        differs = [] if to in new_sites and to in old_sites else list(_alone(to, new_sites, ADDED))
        routes: tuple[str, ...] = ()
        if to in old_pools and to in new_pools:
            differs += _unequal(old_pools[to], new_pools[to])
        if to in old_sites and to in new_sites:
            old, new = old_sites[to], new_sites[to]
            routes = tuple(_routes(old, new, {*old_sites, *new_sites}))
            pooled = to in old_pools and to in new_pools
            differs = [*_of_site(old, new, pooled=pooled), *differs, *([ROUTES] if routes else [])]
        if differs:
            found.append(SiteChange(to, tuple(differs), routes))
    gone = (to for to in old_sites if to not in new_sites)
    found += [SiteChange(to, (word,)) for to in gone for word in _alone(to, old_sites, REMOVED)]
    return tuple(found)


def _alone(to: str, sites: Mapping[str, SiteSpec], word: str) -> Iterator[str]:
    """The word for a site that comes or goes, if no backend says that it does."""
    site = sites.get(to)
    if site is not None and site.answerer != ToPool(pool=to):
        yield word


def _unequal(before: PoolSpec, after: PoolSpec) -> list[str]:
    return [name for name in PoolSpec.model_fields if getattr(before, name) != getattr(after, name)]


def _of_site(before: SiteSpec, after: SiteSpec, *, pooled: bool) -> Iterator[str]:
    if before.reached != after.reached:
        yield "to"
    yield from _of_answerers(before.answerer, after.answerer, set(), own="from")
    if not pooled and before.https != after.https:
        yield "https"
    yield from _of_treatments(before.treatment, after.treatment)


def _of_treatments(before: Treatment, after: Treatment) -> Iterator[str]:
    for name in Treatment.model_fields:
        if getattr(before, name) != getattr(after, name):
            yield name


def _of_answerers(
    before: Answerer | None, after: Answerer | None, entries: set[str], *, own: str = ""
) -> Iterator[str]:
    """The settings that say who answers. `entries`: what proxies have in `to`."""
    if before != after:
        names = (_setting(before, entries, own), _setting(after, entries, own))
        yield from dict.fromkeys(name for name in names if name)


def _setting(answerer: Answerer | None, entries: set[str], own: str) -> str:
    match answerer:
        case StaticFiles():
            return "static"
        case Redirect():
            return "redirect"
        case FixedAnswer():
            return "respond"
        case ToPool(pool=pool):
            return own or ("proxy" if pool in entries else "from")
        case None:
            return ""


def _routes(before: SiteSpec, after: SiteSpec, entries: set[str]) -> Iterator[str]:
    """A sentence for each route that differs: `route api added`, `route search: path, headers`."""
    old, new = _by_name(before.routes), _by_name(after.routes)
    # What the host itself has is told of once, and not again of each route that gets it, too.
    told = set(_of_treatments(before.treatment, after.treatment))
    yield from (f"route {name} {ADDED}" for name in new if name not in old)
    yield from (f"route {name} {REMOVED}" for name in old if name not in new)
    for name, route in new.items():
        if name in old and (differs := _of_routes(old[name], route, entries, told)):
            yield f"route {name}: {', '.join(differs)}"
    stay = [name for name in old if name in new]
    if stay != [name for name in new if name in old]:
        yield "another order"


def _of_routes(before: Route, after: Route, entries: set[str], told: set[str]) -> list[str]:
    old, new = before.conditions, after.conditions
    names = {"paths": "path", "methods": "method", "headers": "headers", "query": "query"}
    found = [name for key, name in names.items() if getattr(old, key) != getattr(new, key)]
    found += [
        name
        for name in ("strip_prefix", "rewrite")
        if getattr(before, name) != getattr(after, name)
    ]
    answerers = list(_of_answerers(before.answerer, after.answerer, entries))
    if answerers != ["from"] or "path" not in found:  # by another path its pool has another name
        found += answerers
    treated = _of_treatments(before.treatment, after.treatment)
    found += [name for name in treated if name not in told]
    return list(dict.fromkeys(found))


def _by_name(routes: Sequence[Route]) -> dict[str, Route]:
    return {route.name: route for route in routes}
