"""Where a container is told that others are: what is 127.0.0.1 to a process of this machine is the
container itself, to that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rpx.model.address import Address
from rpx.model.late import (
    address_variable,
    host_variable,
    port_of_variable,
    tells_an_address,
    url_variable,
)
from rpx.model.specs import ProcessSpec
from rpx.policy.service_ports import HERE


def inside_ports(spec: ProcessSpec) -> list[tuple[int, int]]:
    """Return the ports of this machine at which a container is reached, each with the one inside:
    that of its address first.
    """
    container, address = spec.start.container, spec.address
    found = []
    if container is not None and isinstance(address, Address):
        found.append((address.port, container.port or address.port))
    found += [(port.address.port, port.inside) for port in spec.start.ports if port.address]
    return found


def seen_from_inside(
    told: Mapping[str, str], neighbours: Iterable[ProcessSpec], outside: str
) -> dict[str, str]:
    """Return variables that tell processes of this machine where services are, as a container has
    them. `neighbours` are containers of the same network, known by the names of their services;
    all others are at `outside`, the name of this machine.
    """
    seen = {
        name: text.replace(HERE, outside) if tells_an_address(name) or _is_url(name) else text
        for name, text in told.items()
    }
    for spec in neighbours:
        name, ports = spec.name, [inside for _, inside in inside_ports(spec)]
        if not ports:
            continue
        if url_variable(name) in told:
            *_, path = told[url_variable(name)].partition("://")[2].partition("/")
            seen[url_variable(name)] = f"http://{name}:{ports[0]}" + (path and f"/{path}")
        seen[host_variable(name)] = name
        seen[port_of_variable(name)] = str(ports[0])
        seen[address_variable(name)] = f"{name}:{ports[0]}"
        own = (port.inside for port in spec.start.ports)
        seen |= {port_of_variable(name, port): str(port) for port in own}
    return seen


def _is_url(name: str) -> bool:
    return name.startswith("RPX_") and name.endswith("_URL") and not name.endswith("_PUBLIC_URL")
