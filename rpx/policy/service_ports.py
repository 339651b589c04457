"""`ports` of services: free ones that rpx chooses, what others are told of them, and by which of
them a service is asked how it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from rpx.model.address import Address, Location
from rpx.model.config import Config, HealthCheck, ProcessEntry, ProxyEntry, ServicePort, Start
from rpx.model.late import address_variable, host_variable, port_of_variable
from rpx.model.specs import ProcessSpec

HERE: Final = "127.0.0.1"  # what needs no resolver, as in RPX_API_URL


def auto_ports(config: Config) -> dict[str, int]:
    """Return what ports are to be chosen for, with how many each: `db:5432` for `auto:5432`."""
    return {
        _key(name, port.inside): 1
        for name, start in _starts(config)
        for port in start.ports
        if port.auto
    }


def with_service_ports(config: Config, chosen: Mapping[str, Sequence[int]]) -> Config:
    """Return `config` with what was `chosen`, and with checks that look at `ports` by where those
    are.
    """

    if not any(start.ports for _, start in _starts(config)):
        return config

    def settled(name: str, start: Start) -> Start:
        return _with_ports(name, start, chosen)

    return config.model_copy(
        update={
            "proxies": tuple(_proxy_with(proxy, settled) for proxy in config.proxies),
            "processes": tuple(_process_with(process, settled) for process in config.processes),
        }
    )


def chosen_ports(processes: Iterable[ProcessSpec]) -> dict[str, list[int]]:
    """Return the ports that these have by `auto`, as `auto_ports` calls them."""
    return {
        _key(process.name, port.inside): [port.address.port]
        for process in processes
        for port in process.start.ports
        if port.auto and port.address is not None
    }


def is_auto(key: str) -> bool:
    """Whether a port was chosen for one of `ports`, by the name that it has among those kept."""
    return ":" in key.lstrip(":")


def addresses_told(config: Config) -> dict[str, str]:
    """Return the variables that tell every process where the `ports` of the others are."""
    told: dict[str, str] = {}
    for name, start in _starts(config):
        places = [(port.inside, port.address) for port in start.ports if port.address is not None]
        for inside, address in places:
            told.setdefault(port_of_variable(name, inside), str(address.port))
        if places:
            told = {**told_of(name, places[0][1].port), **told}
    return told


def told_of(name: str, port: int) -> dict[str, str]:
    """Return the variables that tell where the one port of a service is."""
    return {
        port_of_variable(name): str(port),
        host_variable(name): HERE,
        address_variable(name): f"{HERE}:{port}",
    }


def _key(name: str, inside: int) -> str:
    return f"{name}:{inside}"  # no service is called so, and no port of a realm


def _starts(config: Config) -> Iterator[tuple[str, Start]]:
    """What runs, each command once, by the name of its service."""
    for proxy in config.proxies:
        starts = [proxy.start, *(source.start for source in proxy.sources)]
        once: list[Start] = []
        for start in starts:
            if start is not None and start not in once:
                once.append(start)
                yield proxy.name, start
    yield from ((process.name, process.start) for process in config.processes)


def _at(ports: Iterable[ServicePort], place: Location) -> Location:
    """Where a port of `ports` really is that is called by what it is known by."""
    if not isinstance(place, Address) or not place.loopback:
        return place
    found = (port.address for port in ports if port.inside == place.called)
    return next((address for address in found if address is not None), place)


# ---- the same with other commands

_Settled = Callable[[str, Start], Start]


def _proxy_with(proxy: ProxyEntry, settled: _Settled) -> ProxyEntry:
    start = settled(proxy.name, proxy.start) if proxy.start is not None else None
    sources = tuple(
        source
        if source.start is None
        else source.model_copy(update={"start": settled(proxy.name, source.start)})
        for source in proxy.sources
    )
    starts = [start, *(source.start for source in sources)]
    ports = [port for each in starts if each is not None for port in each.ports]
    check = _check_at(ports, proxy.health_check)
    changed = {"sources": sources, "start": start, "health_check": check}
    return proxy.model_copy(update=changed)


def _process_with(process: ProcessEntry, settled: _Settled) -> ProcessEntry:
    start = settled(process.name, process.start)
    check = _check_at(start.ports, process.health_check)
    return process.model_copy(update={"start": start, "health_check": check})


def _with_ports(name: str, start: Start, chosen: Mapping[str, Sequence[int]]) -> Start:
    ports = tuple(
        port.model_copy(update={"address": Address("localhost", chosen[key][0])})
        if port.auto and (key := _key(name, port.inside)) in chosen
        else port
        for port in start.ports
    )
    ready = start.ready
    if ready is not None and ready.tcp is not None:
        ready = ready.model_copy(update={"tcp": _at(ports, ready.tcp)})
    return start.model_copy(update={"ports": ports, "ready": ready})


def _check_at(ports: Iterable[ServicePort], check: HealthCheck | None) -> HealthCheck | None:
    if check is None or check.tcp is None:
        return check
    return check.model_copy(update={"tcp": _at(ports, check.tcp)})
