"""What a container finds in its environment, and where it is reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rpx.backend.environment import take_env
from rpx.engine.engine_client import Engine
from rpx.model.address import Address
from rpx.model.specs import ProcessSpec
from rpx.policy.container_view import inside_ports, seen_from_inside

EVERYWHERE = "0.0.0.0"  # noqa: S104 - in a network of its own
LOCAL = "127.0.0.1"


def published(spec: ProcessSpec) -> Sequence[tuple[str, int, int]]:
    """Return where a container is reached from this machine: host, port, and the port inside."""
    found = []
    own = spec.address.host if isinstance(spec.address, Address) else "localhost"
    for index, (port, inside) in enumerate(inside_ports(spec)):
        host = own if index == 0 else "localhost"
        found.append((LOCAL if host == "localhost" else host, port, inside))
    return found


def shares_network(engine: Engine, spec: ProcessSpec) -> bool:
    """Whether a container has the network of this machine."""
    return not engine.bridges or (
        spec.start.container is not None and spec.start.container.on_the_host
    )


def environment_of(
    spec: ProcessSpec, engine: Engine, neighbours: Iterable[ProcessSpec]
) -> Mapping[str, str]:
    """Return what a container finds in its environment beside what its image brings: as any
    process, but that it listens at its own port, for those outside of it, and that others are where
    they are to it. `neighbours` are the containers in its network.
    """
    environment = dict(spec.environment)
    if not shares_network(engine, spec):
        environment = seen_from_inside(environment, neighbours, engine.outside)
        if ports := inside_ports(spec):
            environment |= {"PORT": str(ports[0][1]), "HOST": EVERYWHERE}
    take_env(environment, spec.start.env)
    return environment
