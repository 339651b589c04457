"""Where requests go: the site of the host that they ask for, and there one of its ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rpx.hub.counts import Counts
from rpx.hub.endpoint import Pool
from rpx.model.config import Https
from rpx.model.route import Answerer, Route, ToPool, Treatment
from rpx.policy.route_table import RouteTable
from rpx.policy.sites import NOTHING, SiteSpec

OWN: Final = "rpx"  # what rpx itself has answered is counted beside the backends


class Way:
    """The way of all requests that one route of a site takes, or that none takes (`route` None).

    `place` is where that is, as users are told: unique. `pool` are the backends that answer, None
    where somebody else does: the `answerer`, or nobody. `counts` are of all these requests, though
    those of a backend are counted there, too. `variables` are what values may name that is the same
    for all requests.
    """

    __slots__ = ("answerer", "counts", "place", "pool", "route", "treatment", "variables")

    def __init__(
        self,
        place: str,
        answerer: Answerer | None,
        treatment: Treatment,
        *,
        pools: Mapping[str, Pool],
        counts: Counts,
        variables: Mapping[str, str],
        route: Route | None = None,
    ) -> None:
        self.place = place
        self.answerer = answerer
        self.treatment = treatment
        self.pool = pools.get(answerer.pool) if isinstance(answerer, ToPool) else None
        self.counts = counts
        self.variables = variables
        self.route = route

    @property
    def name(self) -> str:
        """What users call it: a route has a name."""
        return self.route.name if self.route is not None else self.place

    @property
    def answered_by(self) -> str:
        """The pool, by its `to`, or rpx."""
        return self.pool.host if self.pool is not None else OWN


class Site:
    """What one `to` leads to. Another configuration makes another one.

    `plain` is the pool of a site that has no routes, and nothing to do on the way: most have none.
    `counts` are of what rpx answers itself before it looks for a way.
    """

    __slots__ = ("counts", "hosts", "https", "plain", "rest", "spec", "table", "to", "ways")

    def __init__(
        self, to: str, spec: SiteSpec, pools: Mapping[str, Pool], before: Mapping[str, Counts]
    ) -> None:
        """`before`: what has been counted so far, by the names of ways."""
        self.to = to
        self.spec = spec
        self.https: Https | None = spec.https
        self.hosts = frozenset(each.partition("/")[0] for each in spec.reached)
        variables = dict(spec.variables)
        self.rest = Way(
            to,
            spec.answerer,
            spec.treatment,
            pools=pools,
            counts=before.get(to) or Counts(),
            variables=variables,
        )
        ways: dict[str, Way] = {}
        for route in spec.routes:
            place = _place(to, route, ways)
            counts = before.get(route.name) or Counts()
            ways[place] = Way(
                place,
                route.answerer,
                route.treatment,
                pools=pools,
                counts=counts,
                variables=variables,
                route=route,
            )
        self.ways = tuple(ways.values())
        self.table: RouteTable[Way] | None = None
        if ways:
            conditions = (route.conditions for route in spec.routes)
            self.table = RouteTable(list(zip(conditions, self.ways, strict=True)))
        alone = self.table is None and spec.treatment == NOTHING
        self.plain = self.rest.pool if alone else None
        self.counts = self.rest.counts if self.rest.pool is None else self.rest.pool.counts

    @property
    def all_ways(self) -> tuple[Way, ...]:
        """The routes' in their order, then that of what none of them takes."""
        return (*self.ways, self.rest)


def _place(to: str, route: Route, taken: Mapping[str, Way]) -> str:
    """Where a route is: the pool that is its own knows that; else its host and its path."""
    host = to.partition("/")[0]
    if isinstance(route.answerer, ToPool) and route.answerer.pool.startswith(f"{host}/"):
        return route.answerer.pool
    place = host + (route.conditions.paths[0] if route.conditions.paths else "/*")
    return f"{place} ({route.name})" if place in taken or place == to else place
