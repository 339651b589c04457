"""Ports in a realm: what rpx starts is told others than those that are written.

Two checkouts of a project have the same ports in their files, and only one process can listen on
each. So, where there is a realm, rpx chooses ports for what it starts itself; by the written ones
it is still known. Where nobody is started, all checkouts go to the same address.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rpx.model.address import Address, Location
from rpx.model.config import (
    Config,
    HealthCheck,
    ProcessEntry,
    ProxyEntry,
    Ready,
    Source,
    Start,
    Web,
)
from rpx.model.late import port_variable
from rpx.model.own_settings import Metrics
from rpx.model.specs import BackendSpec, endpoints_of, processes_of

Place = tuple[str, int]


def own_ports(config: Config) -> dict[str, int]:
    """Return what ports are to be chosen for, with how many each: `:3001` stands for the port 3001.

    Also for that of rpx itself, where it answers for Prometheus. Nothing outside of a realm.
    """
    if not config.realm:
        return {}
    own = [config.metrics.port] if config.metrics and config.metrics.port else []
    return {_key(port): 1 for port in (*written_ports(config), *own)}


def written_ports(config: Config) -> list[int]:
    """Return the ports of this machine on which what rpx starts is to listen, as they are written.

    The lowest first.
    """
    return sorted({port for _, port in _places(config)})


def with_own_ports(config: Config, chosen: Mapping[str, Sequence[int]]) -> Config:
    """Return `config` with what was `chosen` in the place of the ports that are written."""
    if not config.realm:
        return config
    ports = {place: chosen[_key(place[1])][0] for place in _places(config)}

    def moved(address: Location) -> Location:
        if not isinstance(address, Address) or address.place not in ports:
            return address
        return replace(address, port=ports[address.place], written=address.port)

    metrics = config.metrics
    if metrics is not None and metrics.port:
        metrics = Metrics(port=chosen[_key(metrics.port)][0])
    return config.model_copy(
        update={
            "metrics": metrics,
            "proxies": tuple(_proxy_at(proxy, moved) for proxy in config.proxies),
            "processes": tuple(_process_at(process, moved) for process in config.processes),
        }
    )


def port_variables(config: Config) -> dict[str, str]:
    """Return the variables that tell the chosen ports: RPX_PORT_3001, for what is written 3001."""
    addresses = (*_addresses(config), *_signs(_starts(config)), *_asked(_checks(config)))
    return {
        port_variable(address.written): str(address.port)
        for address in addresses
        if isinstance(address, Address) and address.written is not None
    }


def chosen_for(specs: Iterable[BackendSpec]) -> dict[str, list[int]]:
    """Return the ports that these have in the place of written ones, as `own_ports` calls them."""
    specs = list(specs)
    addresses: list[Location] = [endpoint.address for endpoint in endpoints_of(specs)]
    processes = processes_of(specs)
    addresses += _signs(process.start for process in processes)
    addresses += _asked(process.health_check for process in processes)
    return {
        _key(address.written): [address.port]
        for address in addresses
        if isinstance(address, Address) and address.written is not None
    }


def is_written(key: str) -> bool:
    """Whether a port was chosen for a port, and not for a service, by the name that it has."""
    return key.startswith(":")


def _key(port: int) -> str:
    return f":{port}"  # no service is called so


def _places(config: Config) -> set[Place]:
    """Where on this machine what rpx starts is to listen."""
    served = [
        source.address
        for proxy in config.proxies
        for source in proxy.sources
        if source.start is not None or source.served_by is not None
    ]
    return {
        address.place
        for address in (*served, *_signs(_starts(config)), *_asked(_checks(config)))
        if isinstance(address, Address) and address.loopback and address.written is None
    }


def _addresses(config: Config) -> Iterator[Location]:
    return (source.address for proxy in config.proxies for source in proxy.sources)


def _starts(config: Config) -> Iterator[Start]:
    for proxy in config.proxies:
        yield from (source.start for source in proxy.sources if source.start is not None)
        if proxy.start is not None:
            yield proxy.start
    yield from (process.start for process in config.processes)


def _checks(config: Config) -> Iterator[HealthCheck | None]:
    """How that is asked which rpx starts."""
    for proxy in config.proxies:
        if proxy.start is not None or any(source.start for source in proxy.sources):
            yield proxy.health_check
    yield from (process.health_check for process in config.processes)


def _asked(checks: Iterable[HealthCheck | None]) -> Iterator[Location]:
    """Where they look."""
    return (check.tcp for check in checks if check is not None and check.tcp is not None)


def _signs(starts: Iterable[Start]) -> Iterator[Location]:
    """Where else they listen, and show that they are ready."""
    starts = list(starts)
    yield from (
        port.address for start in starts for port in start.ports if port.address is not None
    )
    for ready in (start.ready for start in starts if start.ready is not None):
        if ready.tcp is not None:
            yield ready.tcp
        if ready.http is not None and ready.http.address is not None:
            yield ready.http.address


# ---- the same with other addresses

_Moved = Callable[[Location], Location]


def _proxy_at(proxy: ProxyEntry, moved: _Moved) -> ProxyEntry:
    sources = tuple(_source_at(source, moved) for source in proxy.sources)
    return proxy.model_copy(
        update={
            "sources": sources,
            "start": _start_at(proxy.start, moved),
            "health_check": _check_at(proxy.health_check, moved),
        }
    )


def _source_at(source: Source, moved: _Moved) -> Source:
    changed = {"address": moved(source.address), "start": _start_at(source.start, moved)}
    return source.model_copy(update=changed)


def _process_at(process: ProcessEntry, moved: _Moved) -> ProcessEntry:
    check = _check_at(process.health_check, moved)
    changed = {"start": _start_at(process.start, moved), "health_check": check}
    return process.model_copy(update=changed)


def _check_at(check: HealthCheck | None, moved: _Moved) -> HealthCheck | None:
    if check is None or check.tcp is None:
        return check
    return check.model_copy(update={"tcp": moved(check.tcp)})


def _start_at(start: Start | None, moved: _Moved) -> Start | None:
    if start is None:
        return None
    ports = tuple(
        port if port.address is None else port.model_copy(update={"address": moved(port.address)})
        for port in start.ports
    )
    return start.model_copy(update={"ports": ports, "ready": _ready_at(start.ready, moved)})


def _ready_at(ready: Ready | None, moved: _Moved) -> Ready | None:
    if ready is None:
        return None
    tcp, http = ready.tcp, ready.http
    if http is not None and http.address is not None:
        http = Web(address=moved(http.address), path=http.path)
    return ready.model_copy(update={"tcp": moved(tcp) if tcp is not None else None, "http": http})
