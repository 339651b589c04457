"""Which requests lead where, as `rpx check` shows it: every route, and what none of them takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from rpx.cli.terminal.table import Cell, Column, Table
from rpx.model.config import Config
from rpx.model.route import Answerer, Conditions, Route, ToPool, Treatment
from rpx.policy.route_words import answer_of, conditions_beside_the_path, path_change
from rpx.policy.sites import NOTHING, SiteSpec, plan_sites

COLUMNS = [
    Column("HOST"),
    Column("REQUESTS"),
    Column("ON THE WAY", 1),
    Column("ANSWERED BY"),
    Column("ROUTE", 2),
]
REST = "all others"
ALL = "all"


@dataclass(frozen=True, slots=True)
class Leading:
    """Where some requests lead. `requests` and `on_the_way` are words, `name` is the route's.

    None for it and for `conditions`: all requests of `proxy` that no route takes. `hosts` are all
    that lead there, with or without a path.
    """

    proxy: str
    name: str | None
    hosts: tuple[str, ...]
    requests: str
    conditions: Conditions | None
    on_the_way: str
    answered_by: str

    def row(self) -> dict[str, object]:
        """For scripts."""
        conditions = self.conditions.model_dump(mode="json") if self.conditions else None
        return {**asdict(self), "hosts": list(self.hosts), "conditions": conditions}


def leading(config: Config) -> list[Leading]:
    """Return all ways of a configuration in their order; none where each host has backends, and
    that is all there is to say.
    """
    sites = plan_sites(config.proxies, {})
    names = {proxy.to: proxy.name for proxy in reversed(config.proxies)}
    plain = all(
        not site.routes and site.treatment == NOTHING and isinstance(site.answerer, ToPool)
        for site in sites.values()
    )
    return [] if plain else [way for site in sites.values() for way in _ways(site, names)]


def table(ways: list[Leading]) -> Table:
    """Return them as a table."""
    filled = Table(COLUMNS)
    for way in ways:
        hosts = ", ".join(way.hosts)
        filled.add(
            Cell(hosts, way.hosts[0]),
            way.requests,
            way.on_the_way or "-",
            way.answered_by,
            way.name or "-",
        )
    return filled


def _ways(site: SiteSpec, names: dict[str, str]) -> Iterator[Leading]:
    for route in site.routes:
        conditions = route.conditions
        said = [" or ".join(conditions.paths), conditions_beside_the_path(conditions)]
        yield Leading(
            site.name,
            route.name,
            site.reached,
            ", ".join(filter(None, said)) or ALL,
            conditions,
            _on_the_way(route, route.treatment),
            _answered_by(route.answerer, names),
        )
    if site.answerer is not None or not site.routes:
        yield Leading(
            site.name,
            None,
            site.reached,
            REST if site.routes else ALL,
            None,
            _on_the_way(None, site.treatment),
            _answered_by(site.answerer, names),
        )


def _answered_by(answerer: Answerer | None, names: dict[str, str]) -> str:
    whom = names.get(answerer.pool, answerer.pool) if isinstance(answerer, ToPool) else ""
    return answer_of(answerer, whom).removeprefix("to ")


def _on_the_way(route: Route | None, treatment: Treatment) -> str:
    said = [
        path_change(route),
        "headers" if treatment.headers else "",
        "CORS" if treatment.cors else "",
        "password" if treatment.auth else "",
    ]
    return ", ".join(filter(None, said))
