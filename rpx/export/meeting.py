"""What services are told of each other, where they meet in another way than on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from rpx.export.project_parts import ExportService, Parts
from rpx.model.address import SocketFile
from rpx.model.config import ProxyEntry
from rpx.model.late import (
    address_variable,
    host_variable,
    port_of_variable,
    public_url_variable,
    url_variable,
)
from rpx.policy.plan import url_of

_EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - in a network of its own


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where services find each other in another tool's world: host and port of a family."""

    places: Mapping[str, tuple[str, int]]  # by the name of a family
    own_ports: Mapping[str, int]  # by the name of a service: what it is told as PORT
    listen_at: str  # what it is told as HOST
    on_this_machine: bool = False  # without a proxy before them, but with its sockets


def told(parts: Parts, meeting: Meeting) -> dict[str, str]:
    """Return the variables by which rpx tells all services where the others are."""
    variables: dict[str, str] = {}
    for proxy in _named(parts):
        if proxy.name in meeting.places:
            host, port = meeting.places[proxy.name]
            _, slash, path = proxy.to.partition("/") if proxy.reached else ("", "", "")
            variables.setdefault(url_variable(proxy.name), f"http://{host}:{port}{slash}{path}")
            variables |= _by_address(proxy.name, host, port)
    for proxy in _named(parts):
        if proxy.reached:
            url = public_url(parts, proxy, meeting)
            variables.setdefault(public_url_variable(proxy.name), url)
    for service in parts.services:
        if service.start.ports and service.family in meeting.places:
            host = meeting.places[service.family][0]
            inside = [each.inside for each in service.start.ports]
            own = {port_of_variable(service.family, port): str(port) for port in inside}
            variables = {**own, **_by_address(service.family, host, inside[0]), **variables}
    return variables


def _named(parts: Parts) -> Iterator[ProxyEntry]:
    """The proxies that have a name to be asked for: none of a wildcard."""
    return (each for each in parts.config.proxies if "*" not in each.to.partition("/")[0])


def public_url(parts: Parts, proxy: ProxyEntry, meeting: Meeting) -> str:
    """Return the URL of a proxy for browsers, at the usual ports unless others are written; without
    a proxy it is that of its first backend.
    """
    if meeting.on_this_machine and proxy.name in meeting.places:
        host, port = meeting.places[proxy.name]
        return f"http://{host}:{port}"
    tls, listen = proxy.pool.https is not None, parts.config.listen
    port = (listen.https_port or 443) if tls else (listen.http_port or 80)
    return url_of(proxy.to, port, tls=tls)


def _by_address(name: str, host: str, port: int) -> dict[str, str]:
    return {
        port_of_variable(name): str(port),
        host_variable(name): host,
        address_variable(name): f"{host}:{port}",
    }


def told_of_itself(parts: Parts, service: ExportService, meeting: Meeting) -> dict[str, str]:
    """Return what rpx tells one service about itself."""
    own: dict[str, str] = {}
    host = meeting.listen_at if service.start.container is None else _EVERYWHERE
    if service.name in meeting.own_ports:
        own |= {"PORT": str(meeting.own_ports[service.name]), "HOST": host}
    if isinstance(service.address, SocketFile) and meeting.on_this_machine:
        own["RPX_SOCKET"] = service.address.path
    own |= {"RPX_NAME": service.family, "RPX_REPLICA": str(service.replica)}
    proxy = next((p for p in parts.config.proxies if p.name == service.family and p.reached), None)
    return own if proxy is None else {**own, "RPX_URL": public_url(parts, proxy, meeting)}
