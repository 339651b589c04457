"""From a configuration to the backends it asks for, in listed order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from rpx.errors import UsageError
from rpx.model.address import Address, Location, SocketFile
from rpx.model.config import Config, PoolSpec, ProxyEntry, Source
from rpx.model.late import REALM, url_variable
from rpx.model.ports import Ports
from rpx.model.status import BackendSpec


def url_of(to: str, port: int, *, tls: bool = False) -> str:
    """Return the URL under which clients reach `to`, host or host/path, on the listener at `port`.

    That of a wildcard is a pattern, with its `*` as it is.
    """
    host, slash, path = to.partition("/")
    scheme, usual = ("https", 443) if tls else ("http", 80)
    return f"{scheme}://{host}{'' if port == usual else f':{port}'}{slash}{path}"


def plan_backends(config: Config, listening: Ports) -> list[BackendSpec]:
    """Return a spec for each backend: routed ones first, pool by pool, then the other processes.

    `listening`: the ports of the URLs that their processes are told.
    """

    def url(proxy: ProxyEntry) -> str:
        tls = proxy.pool.https is not None
        return url_of(proxy.to, listening.of(tls=tls), tls=tls)

    specs: list[BackendSpec] = []
    others = _urls(config, url)
    replicas: dict[str, int] = defaultdict(int)
    ports: dict[str, list[int | None]] = defaultdict(list)
    for proxy in config.proxies:
        ports[proxy.name] += [source.address.port for source in proxy.sources]
    for proxy in config.proxies:
        entry: list[BackendSpec] = []
        for source in proxy.sources:
            replicas[proxy.name] += 1
            replica = replicas[proxy.name]
            environment = {
                **others,
                **_listen_there(source.address),
                "RPX_NAME": proxy.name,
                "RPX_REPLICA": str(replica),
                "RPX_URL": url(proxy),
            }
            entry.append(
                BackendSpec(
                    name=proxy.name,
                    replica=replica,
                    address=source.address,
                    start=source.start,
                    environment=tuple(environment.items()) if source.start else (),
                    health_check=proxy.health_check,
                    host=proxy.to,
                    weight=source.weight,
                    depends_on=proxy.depends_on if source.start else (),
                    change_origin=source.address.origin.encode() if proxy.change_origin else b"",
                    by_index=_by_index(source.address.port, ports[proxy.name]),
                    port_chosen=bool(proxy.replicas),
                )
            )
        specs += [
            spec if owner is None else replace(spec, served_by=entry[owner].label)
            for spec, owner in zip(entry, (s.served_by for s in proxy.sources), strict=True)
        ]
    specs = _with_servers(specs)
    for process in config.processes:
        names = {**others, "RPX_NAME": process.name, "RPX_REPLICA": "1"}
        specs.append(
            BackendSpec(
                name=process.name,
                replica=1,
                start=process.start,
                environment=tuple(names.items()),
                depends_on=process.depends_on,
            )
        )
    return specs


def _with_servers(specs: Sequence[BackendSpec]) -> list[BackendSpec]:
    """Let an address that another host has a process for be served by that process."""
    servers = {
        spec.address.place: spec.served_by or spec.label
        for spec in specs
        if spec.address and (spec.start or spec.served_by)
    }
    return [
        replace(spec, served_by=servers.get(spec.address.place, ""))
        if spec.address and not (spec.start or spec.served_by)
        else spec
        for spec in specs
    ]


def _urls(config: Config, url: Callable[[ProxyEntry], str]) -> dict[str, str]:
    """Return the variables that tell every process the realm, if there is one, and where the
    proxies are: RPX_API_URL and so on.
    """
    urls = {REALM: config.realm} if config.realm else {}
    for proxy in config.proxies:
        if "*" not in proxy.to:
            urls.setdefault(url_variable(proxy.name), url(proxy))
    return urls


def _listen_there(address: Location) -> dict[str, str]:
    """Return the variables that tell a process where to listen."""
    if isinstance(address, SocketFile):
        return {"RPX_SOCKET": address.path}
    return {"PORT": str(address.port), "HOST": address.host}


def _by_index(port: int | None, all_ports: list[int | None]) -> bool:
    """Whether its port can't name a backend: it has none, shares it, or it looks like an index."""
    return port is None or all_ports.count(port) > 1 or port <= len(all_ports)


def copies(config: Config) -> dict[str, int]:
    """Return how many copies there are to be of each service whose ports nobody has chosen."""
    wanted: dict[str, int] = defaultdict(int)
    for proxy in config.proxies:
        if proxy.replicas:
            wanted[proxy.name] += proxy.replicas
    return dict(wanted)


def fixed_ports(config: Config) -> set[int]:
    """Return the ports that the configuration speaks of."""
    ports = {source.address.port for proxy in config.proxies for source in proxy.sources}
    ports |= {config.listen.http_port, config.listen.https_port}
    ports.add(config.metrics.port if config.metrics else None)
    return {port for port in ports if port}


def with_ports(config: Config, chosen: Mapping[str, Sequence[int]]) -> Config:
    """Return `config` with addresses for the copies that have none, from what was `chosen`."""
    left = {name: iter(ports) for name, ports in chosen.items()}
    proxies = tuple(
        proxy.model_copy(
            update={
                "sources": tuple(
                    Source(address=Address("localhost", port), start=proxy.start)
                    for port in islice(left[proxy.name], proxy.replicas)
                )
            }
        )
        if proxy.replicas
        else proxy
        for proxy in config.proxies
    )
    return config.model_copy(update={"proxies": proxies})


def routes_only(config: Config) -> Config:
    """Return the same routes to backends that somebody else runs, and no process at all.

    Raises: UsageError when no route is left.
    """
    if not config.proxies:
        raise UsageError(
            f"`{config.name}` has no proxies: without its processes there is nothing to do",
            hint="leave `--no-start` out",
        )
    proxies = tuple(
        proxy.model_copy(
            update={
                "sources": tuple(
                    s.model_copy(update={"start": None, "served_by": None}) for s in proxy.sources
                ),
                "start": None,
            }
        )
        for proxy in config.proxies
    )
    return config.model_copy(update={"proxies": proxies, "processes": ()})


def plan_pools(proxies: tuple[ProxyEntry, ...]) -> dict[str, PoolSpec]:
    """Return what each pool is to be, by `to`; entries with the same one agree about it."""
    return {proxy.to: proxy.pool for proxy in proxies}
