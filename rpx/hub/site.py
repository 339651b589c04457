"""Where requests go: the site of the host that they ask for, and there one of its ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rpx.hub.counts import Counts
from rpx.hub.endpoint import Pool
from rpx.model.config import Https
from rpx.model.route import Answerer, Route, ToPool, Treatment
from rpx.policy.route_table import RouteTable
from rpx.policy.route_words import does
from rpx.policy.sites import NOTHING, SiteSpec

OWN: Final = "rpx"  # what rpx itself has answered is counted beside the backends


class Way:
    """The way of all requests that one route of a site takes, or that none takes (`route` None).

    `place` is where that is, as users are told: unique. `pool` are the backends that answer, None
    where somebody else does: the `answerer`, or nobody. `name` is that of the route, or of the
    proxy. `counts` are of all these requests, though
    those of a backend are counted there, too. `variables` are what values may name that is the same
    for all requests. `since` it is there, in seconds since the epoch. `realm` is what browsers call
    it when they ask for a password: ways with the same passwords have the same one, so that a
    browser asks once.
    """

    __slots__ = (
        "answerer",
        "counts",
        "name",
        "place",
        "pool",
        "realm",
        "route",
        "since",
        "treatment",
        "variables",
    )

    def __init__(
        self,
        place: str,
        answerer: Answerer | None,
        treatment: Treatment,
        *,
        pools: Mapping[str, Pool],
        counts: Counts,
        variables: Mapping[str, str],
        since: float,
        realm: str,
        name: str = "",
        route: Route | None = None,
    ) -> None:
        self.realm = realm
        self.place = place
        self.name = route.name if route is not None else name or place
        self.since = since
        self.answerer = answerer
        self.treatment = treatment
        self.pool = self.pool_among(pools)
        self.counts = counts
        self.variables = variables
        self.route = route

    def pool_among(self, pools: Mapping[str, Pool]) -> Pool | None:
        """Which of these answers."""
        return pools.get(self.answerer.pool) if isinstance(self.answerer, ToPool) else None

    @property
    def known_by(self) -> str:
        """What it keeps while a configuration becomes another: its route's name, or its place."""
        return self.route.name if self.route is not None else self.place

    @property
    def answered_by(self) -> str:
        """The pool, by its `to`, or rpx."""
        return self.pool.host if self.pool is not None else OWN

    @property
    def service(self) -> str:
        """The name that the backends have which answer; "" where rpx does."""
        if self.pool is None:
            return ""
        return self.pool.backends[0].spec.name if self.pool.backends else self.pool.host

    @property
    def does(self) -> str:
        """What becomes of its requests, in a few words."""
        return does(self.route, self.answerer, self.service)


class Site:
    """What one `to` leads to. Another configuration makes another one.

    `plain` is the pool of a site that has no routes, and nothing to do on the way: most have none.
    `counts` are of what rpx answers itself before it looks for a way.
    """

    __slots__ = (
        "_stems",
        "counts",
        "hosts",
        "https",
        "plain",
        "rest",
        "spec",
        "table",
        "to",
        "ways",
    )

    def __init__(
        self,
        to: str,
        spec: SiteSpec,
        pools: Mapping[str, Pool],
        before: Mapping[str, Way],
        now: float,
    ) -> None:
        """`before`: ways that there have been so far, by what each is known by, and whose counts go
        on; `now`: in seconds since the epoch.
        """
        self.to = to
        self.spec = spec
        self.https: Https | None = spec.https
        self.hosts = frozenset(each.partition("/")[0] for each in spec.reached)
        places = (each.partition("/") for each in spec.reached)
        self._stems = sorted(
            ((host, b"/" + path.encode()) for host, _, path in places if path),
            key=lambda place: (place[0][:1] == "*", -len(place[1])),
        )
        variables = dict(spec.variables)
        realms = {spec.treatment.auth: spec.name or to}
        self.rest = Way(
            to,
            spec.answerer,
            spec.treatment,
            pools=pools,
            counts=before[to].counts if to in before else Counts(),
            variables=variables,
            since=before[to].since if to in before else now,
            realm=realms[spec.treatment.auth],
            name=spec.name,
        )
        ways: dict[str, Way] = {}
        for route in spec.routes:
            place = _place(to, route, ways)
            known = before.get(route.name)
            ways[place] = Way(
                place,
                route.answerer,
                route.treatment,
                pools=pools,
                counts=known.counts if known is not None else Counts(),
                variables=variables,
                since=known.since if known is not None else now,
                realm=realms.setdefault(route.treatment.auth, route.name),
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

    def stays(self, spec: SiteSpec, pools: Mapping[str, Pool]) -> bool:
        """Whether it would be the same one, were it made of these."""
        return self.spec == spec and all(way.pool is way.pool_among(pools) for way in self.all_ways)

    def stem(self, host: str, path: bytes) -> bytes:
        """Return the path of the `to` by which a request has come here; b"" of one without."""
        for to, stem in self._stems:
            if (to == host or to[:1] == "*") and (path + b"/").startswith(stem + b"/"):
                return stem
        return b""

    @property
    def all_ways(self) -> tuple[Way, ...]:
        """The routes' in their order, then that of what none of them takes."""
        return (*self.ways, self.rest)


def _place(to: str, route: Route, taken: Mapping[str, Way]) -> str:
    """Where a route is: its host and its path, and what tells it from others that have both."""
    host = to.partition("/")[0]
    place = host + (route.conditions.paths[0] if route.conditions.paths else "/*")
    if isinstance(route.answerer, ToPool):
        pool = route.answerer.pool
        if pool not in taken and (pool == place or pool.startswith(f"{place} (")):
            return pool  # which is its own
    return f"{place} ({route.name})" if place in taken or place == to else place
