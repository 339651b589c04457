"""From a configuration to the backends it asks for, in listed order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count, islice

from rpx.errors import UsageError
from rpx.model.address import Address, Location, SocketFile
from rpx.model.config import (
    Config,
    HealthCheck,
    PoolSpec,
    ProcessEntry,
    ProxyEntry,
    Source,
    Start,
)
from rpx.model.late import REALM, public_url_variable, url_variable
from rpx.model.ports import Ports
from rpx.model.route import ToPool
from rpx.model.specs import BackendSpec, EndpointSpec, ProcessSpec, endpoints_of, processes_of
from rpx.policy.realm_ports import port_variables, written_ports
from rpx.policy.service_ports import addresses_told, told_of
from rpx.policy.sites import fixed_part, has_pool


def url_of(to: str, port: int, *, tls: bool = False) -> str:
    """Return the URL under which clients reach `to`, host or host/path, on the listener at `port`.

    That of a wildcard is a pattern, with its `*` as it is; that of a route has as much of its path
    as is the same for all requests.
    """
    host, slash, path = fixed_part(to).partition("/")
    scheme, usual = ("https", 443) if tls else ("http", 80)
    return f"{scheme}://{host}{'' if port == usual else f':{port}'}{slash}{path}"


def page_at(url: str) -> str:
    """Return a URL of ours as a browser can open it: that of any host at localhost."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://localhost{rest[1:]}" if rest.startswith("*") and rest[1:2] != "." else url


def internal_url_of(name: str, to: str, listening: Ports) -> str | None:
    """Return the URL by which services of this machine reach the proxy that is called so, with the
    path of its `to`; None for one that has none.
    """
    port = listening.services.get(url_variable(name))
    _, slash, path = to.partition("/")
    return f"http://127.0.0.1:{port}{slash}{path}" if port else None


def for_services(config: Config) -> dict[str, str]:
    """Return the `to` of each proxy that services reach by an address, by the variable that tells
    it: none where rpx starts no service, and none of a wildcard, which is no host.
    """
    ours = any(
        proxy.replicas or any(source.start for source in proxy.sources) for proxy in config.proxies
    )
    if not ours and not config.processes:
        return {}
    named: dict[str, str] = {}
    for proxy in config.proxies:
        if proxy.reached and "*" not in proxy.to:
            named.setdefault(url_variable(proxy.name), proxy.to)
    return named


def plan_backends(config: Config, listening: Ports) -> list[BackendSpec]:
    """Return what there is to be: addresses first, pool by pool, each with the process whose own it
    is; then the processes that have none.

    `listening`: the ports of the URLs that the processes are told.
    """

    urls = project_variables(config, listening)
    specs: list[BackendSpec] = []
    ports: dict[str, list[int | None]] = defaultdict(list)
    for proxy in config.proxies:
        ports[proxy.name] += [source.address.called for source in proxy.sources]
    replicas: dict[str, Iterator[int]] = {name: count(1) for name in ports}
    for proxy in config.proxies:
        entry = [
            _endpoint(proxy, source, next(replicas[proxy.name]), ports[proxy.name])
            for source in proxy.sources
        ]
        for endpoint, source in zip(entry, proxy.sources, strict=True):
            process = server = None
            if source.start is not None:
                environment = {
                    **urls,
                    **_listen_there(endpoint.address),
                    **_names(endpoint.name, endpoint.replica),
                    "RPX_URL": page_at(_url(proxy, listening)),
                }
                server = endpoint.label
                process = _process_at(endpoint, source.start, environment, proxy)
            elif source.served_by is not None:
                server = entry[source.served_by].label
            specs.append(BackendSpec(replace(endpoint, process=server or ""), process))
    specs += [BackendSpec(None, _worker(process, urls)) for process in config.processes]
    return _with_servers(specs)


def _endpoint(
    proxy: ProxyEntry, source: Source, replica: int, ports: list[int | None]
) -> EndpointSpec:
    """Return an address, whose process is still to be said."""
    return EndpointSpec(
        name=proxy.name,
        replica=replica,
        address=source.address,
        host=proxy.to,
        weight=source.weight,
        health_check=proxy.health_check,
        change_origin=source.address.origin.encode() if proxy.change_origin else b"",
        by_index=_by_index(source.address.called, ports),
        port_chosen=bool(proxy.replicas),
    )


def _process_at(
    endpoint: EndpointSpec,
    start: Start,
    environment: Mapping[str, str],
    proxy: ProxyEntry,
) -> ProcessSpec:
    """Return the process whose own address that is."""
    return ProcessSpec(
        label=endpoint.label,
        name=endpoint.name,
        replica=endpoint.replica,
        start=start,
        environment=tuple(environment.items()),
        depends_on=proxy.depends_on,
        autostart=proxy.autostart,
        address=endpoint.address,
        health_check=endpoint.health_check,
    )


def _worker(entry: ProcessEntry, urls: Mapping[str, str]) -> ProcessSpec:
    return ProcessSpec(
        label=entry.name,
        name=entry.name,
        replica=1,
        start=entry.start,
        environment=tuple({**urls, **_first_port(entry.start), **_names(entry.name, 1)}.items()),
        depends_on=entry.depends_on,
        autostart=entry.autostart,
        health_check=entry.health_check,
    )


def _with_servers(specs: Sequence[BackendSpec]) -> list[BackendSpec]:
    """Let an address that another host has a process for be served by that process, and so one that
    is of the `ports` of a process.
    """
    servers: dict[tuple[str, int | None], str] = {
        port.address.place: process.label
        for process in processes_of(specs)
        for port in process.start.ports
        if port.address is not None
    }
    servers |= {each.address.place: each.process for each in endpoints_of(specs) if each.process}

    def served(spec: BackendSpec) -> BackendSpec:
        endpoint = spec.endpoint
        if endpoint is None or endpoint.process:
            return spec
        server = servers.get(endpoint.address.place, "")
        return replace(spec, endpoint=replace(endpoint, process=server))

    return list(map(served, specs))


def _names(name: str, replica: int) -> dict[str, str]:
    return {"RPX_NAME": name, "RPX_REPLICA": str(replica)}


def _url(proxy: ProxyEntry, listening: Ports) -> str:
    tls = proxy.pool.https is not None
    return url_of(proxy.to, listening.of(tls=tls), tls=tls)


def project_variables(config: Config, listening: Ports) -> dict[str, str]:
    """Return the variables that tell every process the realm and the ports that are others in it,
    if there is one, where the proxies are: RPX_API_URL for services, RPX_API_PUBLIC_URL for
    browsers; and by host and port, as RPX_DB_ADDRESS, where services are.
    """
    urls = {REALM: config.realm, **port_variables(config)} if config.realm else {}
    named = [proxy for proxy in config.proxies if "*" not in proxy.host]
    for proxy in named:
        internal = _internal_url(proxy, config, listening)
        urls.setdefault(url_variable(proxy.name), internal or _url(proxy, listening))
    for proxy in named:  # behind those: a proxy may be called `api-public`
        urls.setdefault(public_url_variable(proxy.name), _url(proxy, listening))
    inlets = [(proxy.name, listening.services.get(url_variable(proxy.name))) for proxy in named]
    told = {name: text for of, port in inlets if port for name, text in told_of(of, port).items()}
    return {**addresses_told(config), **told, **urls}


def _internal_url(proxy: ProxyEntry, config: Config, listening: Ports) -> str | None:
    """Return that of a proxy, or of the backends of a route: there it is its proxy's."""
    if proxy.reached:
        return internal_url_of(proxy.name, proxy.to, listening)
    for owner in config.proxies:
        if any(route.answerer == ToPool(pool=proxy.to) for route in owner.routes):
            base = internal_url_of(owner.name, owner.host, listening)
            _, slash, path = fixed_part(proxy.to).partition("/")
            return base and f"{base}{slash}{path}"
    return None


def _listen_there(address: Location) -> dict[str, str]:
    """Return the variables that tell a process where to listen."""
    if isinstance(address, SocketFile):
        return {"RPX_SOCKET": address.path}
    return {"PORT": str(address.port), "HOST": address.host}


def _first_port(start: Start) -> dict[str, str]:
    """Return the same for a process without an address that has `ports`: it has the first."""
    address = start.ports[0].address if start.ports else None
    return _listen_there(address) if address is not None else {}


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
    return {port for port in ports if port}.union(written_ports(config))


def with_ports(config: Config, chosen: Mapping[str, Sequence[int]]) -> Config:
    """Return `config` with addresses for the copies that have none, from what was `chosen`."""
    left = {name: iter(ports) for name, ports in chosen.items()}
    proxies = tuple(
        proxy.model_copy(
            update={
                "sources": tuple(
                    Source(address=Address("localhost", port, h2c=proxy.h2c), start=proxy.start)
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
                "health_check": _from_outside(proxy.health_check),
            }
        )
        for proxy in config.proxies
    )
    return config.model_copy(update={"proxies": proxies, "processes": ()})


def _from_outside(check: HealthCheck | None) -> HealthCheck | None:
    """Return a check as far as it needs no process of ours, beside which a command would run."""
    return check if check is None or check.command is None else None


def plan_pools(proxies: tuple[ProxyEntry, ...]) -> dict[str, PoolSpec]:
    """Return what each pool is to be, by `to`; entries with the same one agree about it."""
    return {proxy.to: proxy.pool for proxy in proxies if has_pool(proxy)}


def container_services(config: Config) -> list[str]:
    """Return the names of the services that are containers, in listed order."""
    names = dict[str, None]()
    for proxy in config.proxies:
        for start in (proxy.start, *(source.start for source in proxy.sources)):
            if start is not None and start.container is not None:
                names[proxy.name] = None
    names |= dict.fromkeys(each.name for each in config.processes if each.start.container)
    return list(names)
