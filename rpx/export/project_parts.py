"""What there is to export: services, each with what it runs and where that is written, and whom the
addresses of pools lead to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rpx.config.yaml.document import Document, Steps
from rpx.model.address import Address, Location
from rpx.model.config import (
    Config,
    Dependency,
    HealthCheck,
    ProcessEntry,
    ProxyEntry,
    Source,
    Start,
)

ANY_PORT: Final = 8080  # where a copy listens inside whose port nobody has chosen


@dataclass(frozen=True, slots=True)
class ExportService:
    """One thing to run, in so many `copies`.

    `name` is its own, `family` that of its entry, which may have several. `at` is where its `start`
    is written, `entry` where the proxy, route or process is. `port` is where it listens (None:
    nowhere that is known), `address` how it is reached on this machine.
    """

    name: str
    family: str
    replica: int
    start: Start
    at: Steps
    entry: Steps
    copies: int = 1
    address: Location | None = None
    port: int | None = None
    check: HealthCheck | None = None
    depends_on: tuple[Dependency, ...] = ()
    profiles: tuple[str, ...] = ()
    autostart: bool = True

    @property
    def is_image(self) -> bool:
        """It is somebody's image, as it is: nothing of this project is in it."""
        container = self.start.container
        return container is not None and container.build is None

    @property
    def ports(self) -> list[tuple[int | None, int]]:
        """Where it is reached on this machine (None: wherever), and at which port inside."""
        found: list[tuple[int | None, int]] = []
        if self.port is not None:
            here = self.address.port if self.address is not None and self.copies == 1 else None
            found.append((here, self.port))
        return found + [
            (each.address.port if each.address is not None and not each.auto else None, each.inside)
            for each in self.start.ports
        ]


@dataclass(frozen=True, slots=True)
class PoolMember:
    """One backend of a pool. `service` None: it is somebody else's, at `address`."""

    weight: int
    service: ExportService | None
    port: int
    address: Location


@dataclass(frozen=True, slots=True)
class Parts:
    """A project, taken apart. `pools` have a proxy's members by its `to`."""

    config: Config
    written: Document
    services: tuple[ExportService, ...]
    pools: Mapping[str, tuple[PoolMember, ...]]
    steps: Mapping[int, Steps] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The folder of rpx.yaml."""
        return self.config.root

    def family(self, name: str) -> list[ExportService]:
        """All services of an entry."""
        return [each for each in self.services if each.family == name]

    def behind(self, place: tuple[str, int | None]) -> tuple[ExportService, int] | None:
        """Who listens at a place of this machine, and at which port inside."""
        for service in self.services:
            for here, inside in service.ports:
                if here is not None and ("localhost", here) == place:
                    return service, inside
        return None

    def where(self, steps: Steps) -> str:
        """`file:line:column`."""
        return self.written.where(steps)


def take_apart(config: Config, written: Document) -> Parts:
    """Return the services and pools of a configuration; `written` is the file it was read from,
    with the variables in its texts not yet filled in.
    """
    steps = {id(proxy): _steps_of(proxy, config, written) for proxy in config.proxies}
    services: list[ExportService] = []
    names = Counter[str]()
    for proxy in config.proxies:
        names[proxy.name] += sum(1 for source in proxy.sources if source.start) + bool(
            proxy.replicas
        )
    replicas = Counter[str]()
    by_source: dict[tuple[int, int], ExportService] = {}
    taken = {*names, *(process.name for process in config.processes)}
    for proxy in config.proxies:
        for index, source in enumerate(proxy.sources):
            replicas[proxy.name] += 1
            if source.start is None:
                continue
            at = _start_at(steps[id(proxy)], index, written)
            service = _of_proxy(proxy, source.start, at, steps[id(proxy)], source)
            if names[proxy.name] > 1:
                number = replicas[proxy.name]
                name = _free(f"{proxy.name}-{number}", taken)
                service = replace(service, name=name, replica=number)
            services.append(service)
            by_source[id(proxy), index] = service
        if proxy.replicas and proxy.start is not None:
            entry = steps[id(proxy)]
            services.append(_of_proxy(proxy, proxy.start, (*entry, "start"), entry, None))
    services += [_of_process(process) for process in config.processes]
    parts = Parts(config, written, tuple(services), {}, steps)
    pools: dict[str, list[PoolMember]] = {}
    for proxy in config.proxies:
        pools.setdefault(proxy.to, []).extend(_members(proxy, parts, by_source))
    return Parts(config, written, parts.services, {to: tuple(m) for to, m in pools.items()}, steps)


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "-copy"
    taken.add(name)
    return name


def _of_proxy(
    proxy: ProxyEntry, start: Start, at: Steps, entry: Steps, source: Source | None
) -> ExportService:
    """What one address of a proxy is served by, or all of its copies."""
    inside = start.container.port if start.container is not None else None
    address = source.address if source is not None else None
    return ExportService(
        name=proxy.name,
        family=proxy.name,
        replica=1,
        start=start,
        at=at,
        entry=entry,
        copies=1 if source is not None else proxy.replicas,
        address=address,
        port=inside or (address.port if address is not None else None) or ANY_PORT,
        check=proxy.health_check,
        depends_on=proxy.depends_on,
        profiles=proxy.profiles,
        autostart=proxy.autostart,
    )


def _of_process(process: ProcessEntry) -> ExportService:
    at: Steps = ("processes", process.name)
    return ExportService(
        name=process.name,
        family=process.name,
        replica=1,
        start=process.start,
        at=at,
        entry=at,
        check=process.health_check,
        depends_on=process.depends_on,
        profiles=process.profiles,
        autostart=process.autostart,
    )


def _members(
    proxy: ProxyEntry, parts: Parts, by_source: Mapping[tuple[int, int], ExportService]
) -> Iterator[PoolMember]:
    for index, source in enumerate(proxy.sources):
        address = source.address
        own = by_source.get((id(proxy), index))
        if own is not None:
            yield PoolMember(source.weight, own, own.port or ANY_PORT, address)
            continue
        if source.served_by is not None:
            server = by_source[id(proxy), source.served_by]
            yield PoolMember(source.weight, server, address.port or ANY_PORT, address)
            continue
        found = parts.behind(address.place)
        if found is not None:
            yield PoolMember(source.weight, found[0], found[1], address)
        else:
            yield PoolMember(source.weight, None, address.port or 0, address)
    if proxy.replicas:
        (copies,) = [s for s in parts.services if s.family == proxy.name and s.address is None]
        yield PoolMember(
            1, copies, copies.port or ANY_PORT, Address("localhost", ANY_PORT, h2c=proxy.h2c)
        )


def _steps_of(proxy: ProxyEntry, config: Config, written: Document) -> Steps:
    """Where an entry stands: a proxy, or the route whose backends it is."""
    values = written.values.get("proxies")
    entries: list[Steps] = (
        [("proxies", i) for i in range(len(values))] if isinstance(values, list) else [()]
    )
    if proxy.reached:
        return next((at for at in entries if written.where((*at, "to")) == proxy.where), ())
    places = {
        route.where for each in config.proxies for route in each.routes if route.name == proxy.name
    }
    for at in entries:
        routes = written.value((*at, "routes"))
        for index in range(len(routes) if isinstance(routes, list) else 0):
            if written.where((*at, "routes", index)) in places:
                return (*at, "routes", index)
    return ()


def _start_at(entry: Steps, index: int, written: Document) -> Steps:
    """Where the `start` of an address is written: beside it, or for the whole entry."""
    for own in ((*entry, "from", index, "start"), (*entry, "from", "start")):
        if written.is_written(own):
            return own
    return (*entry, "start")
