"""The routes of a proxy as nouns, and the backends that they have of their own.

What routes are called and where their backends are is known before any is built, for one may lead
to the backends of another entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rpx.config.build import Builder
from rpx.config.checks.conflicts import Entry
from rpx.config.settings.on_the_way import TreatmentWritten
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.route_entry import RouteWritten, default_route_name
from rpx.config.yaml.document import Steps
from rpx.model.config import ProxyEntry
from rpx.model.route import Answerer, Route, ToPool, Treatment

Proxies = Sequence[tuple[Steps, ProxyWritten, str]]  # where, what, and its name


@dataclass(frozen=True, slots=True)
class RoutesBuilder:
    """What the proxies of one file are built with that have routes.

    `names` and `places` are those of routes, by where they stand; a place is the `to` of the
    backends there. `answerers`: who answers for a proxy, or for a route that has backends, by name.
    `treatments` are by `to`: entries with the same one are treated alike.
    """

    builder: Builder
    names: Mapping[Steps, str]
    places: Mapping[Steps, str]
    answerers: Mapping[str, Answerer]
    treatments: Mapping[str, Treatment]

    def entries(self, written: ProxyWritten, at: Steps) -> Iterator[Entry]:
        """The proxy, and for each route that has backends of its own an entry of theirs."""
        proxy = self.builder.proxy(written, at)
        treatment = self.treatments[proxy.to]
        routes: list[Route] = []
        backends: list[Entry] = []
        for at_route, route in routes_of(written, at):
            if (answerer := self._answerer(route, at_route)) is not None:
                routes.append(self._route(route, at_route, answerer, treatment))
            if route.has_backends:
                backends.append(Entry(at_route, self._backends(route, at_route, proxy)))
        update = {
            "routes": tuple(routes),
            "answerer": written.answerer(),
            "treatment": treatment,
        }
        yield Entry(at, proxy.model_copy(update=update))
        yield from backends

    def _answerer(self, route: RouteWritten, at: Steps) -> Answerer | None:
        """None: it leads to an entry that isn't there, which checks/between_routes.py says."""
        if route.has_backends:
            return ToPool(pool=self.places[at])
        if route.proxy is not None:
            return self.answerers.get(route.proxy)
        return route.answerer()

    def _route(self, route: RouteWritten, at: Steps, answerer: Answerer, above: Treatment) -> Route:
        return Route(
            name=self.names[at],
            conditions=route.conditions(),
            answerer=answerer,
            strip_prefix=route.strip_prefix or "",
            rewrite=route.rewrite or "",
            treatment=route.treated(above),
            where=self.builder.document.where(at),
        )

    def _backends(self, route: RouteWritten, at: Steps, proxy: ProxyEntry) -> ProxyEntry:
        settings = self.builder.backends(route, at)
        settings["pool"] = settings["pool"].model_copy(update={"https": proxy.pool.https})
        settings |= {
            "to": self.places[at],
            "reached": False,
            "name": self.names[at],
            "profiles": proxy.profiles,
            "autostart": proxy.autostart,
        }
        return ProxyEntry(**settings)


def routes_of(written: ProxyWritten, at: Steps) -> Iterator[tuple[Steps, RouteWritten]]:
    """The routes of a proxy and where each stands."""
    for index, route in enumerate(written.routes or ()):
        yield (*at, "routes", index), route


def names_of_routes(proxies: Proxies, processes: Iterable[str]) -> dict[Steps, str]:
    """What each route is called, by where it stands: a name that is not written is made unique."""
    found: dict[Steps, str] = {}
    routes = [
        (at, route, default_route_name(name, route.model_dump(include={"path", "method"}), n))
        for at_proxy, written, name in proxies
        for n, (at, route) in enumerate(routes_of(written, at_proxy), 1)
    ]
    taken = {*processes, *(name for _, _, name in proxies)}
    taken |= {route.name for _, route, _ in routes if route.name}
    for at, route, default in routes:
        if route.name:
            found[at] = route.name
            continue
        free = (f"{default}-{n}" if n > 1 else default for n in range(1, len(taken) + 2))
        found[at] = next(name for name in free if name not in taken)
        taken.add(found[at])
    return found


def places_of_routes(proxies: Proxies) -> dict[Steps, str]:
    """The `to` of the backends of each route that has some, by where it stands: unique."""
    found: dict[Steps, str] = {}
    taken = {to for _, written, _ in proxies for to in written.to}
    for at_proxy, written, _ in proxies:
        host = written.to[0].partition("/")[0]
        for at, route in routes_of(written, at_proxy):
            if route.has_backends:
                place = f"{host}{route.path[0] if route.path else '/*'}"
                others = (f"{place} ({n})" if n > 1 else place for n in range(1, len(taken) + 2))
                found[at] = next(each for each in others if each not in taken)
                taken.add(found[at])
    return found


def answerers_of(
    proxies: Proxies, names: Mapping[Steps, str], places: Mapping[Steps, str]
) -> dict[str, Answerer]:
    """Who answers for each proxy or route that others may name."""
    found: dict[str, Answerer] = {names[at]: ToPool(pool=place) for at, place in places.items()}
    for _, written, name in proxies:
        answerer = written.answerer()
        if answerer is None and written.has_backends:
            answerer = ToPool(pool=written.to[0])
        if answerer is not None:
            found.setdefault(name, answerer)
    return found


def treatments_of(proxies: Proxies, defaults: DefaultsWritten) -> dict[str, Treatment]:
    """What is done on the way, by `to`: of entries with the same one, the first that says it."""
    below = defaults.treated(Treatment())
    said: dict[str, dict[str, object]] = {}
    for _, written, _ in proxies:
        found = said.setdefault(written.to[0], {})
        for setting in TreatmentWritten.model_fields:
            if (value := getattr(written, setting)) is not None:
                found.setdefault(setting, value)
    return {to: TreatmentWritten(**found).treated(below) for to, found in said.items()}
