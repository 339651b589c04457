"""A backend's spec in one line: an address, the process whose own it is, or both."""

from __future__ import annotations

from typing import Any

from rpx.model.address import Location
from rpx.model.config import Dependency, HealthCheck, Start
from rpx.model.specs import BackendSpec, EndpointSpec, ProcessSpec


def backend_spec(
    name: str,
    replica: int = 1,
    address: Location | None = None,
    start: Start | None = None,
    *,
    environment: tuple[tuple[str, str], ...] = (),
    health_check: HealthCheck | None = None,
    host: str = "",
    weight: int = 1,
    depends_on: tuple[Dependency, ...] = (),
    by_index: bool = False,
    change_origin: bytes = b"",
    served_by: str = "",
    port_chosen: bool = False,
) -> BackendSpec:
    """Return what there is to be under one label.

    With `start` it has a process of its own, else that of `served_by` serves it, if that is given.
    """
    endpoint, label = None, name
    if address is not None:
        label = f"{name}:{replica if by_index else address.port}"
        endpoint = EndpointSpec(
            name=name,
            replica=replica,
            address=address,
            process=label if start is not None else served_by,
            host=host,
            weight=weight,
            health_check=health_check,
            change_origin=change_origin,
            by_index=by_index,
            port_chosen=port_chosen,
        )
    if start is None:
        return BackendSpec(endpoint, None)
    process = ProcessSpec(
        label=label,
        name=name,
        replica=replica,
        start=start,
        environment=environment,
        depends_on=depends_on,
        address=address,
        health_check=health_check,
    )
    return BackendSpec(endpoint, process)


def varied(spec: BackendSpec, **changes: Any) -> BackendSpec:  # noqa: ANN401 - of backend_spec
    """Return the same but for some of the arguments of `backend_spec`."""
    endpoint, process = spec.endpoint, spec.process
    settings: dict[str, Any] = {"name": spec.name, "replica": spec.replica}
    if endpoint is not None:
        settings |= {
            "address": endpoint.address,
            "health_check": endpoint.health_check,
            "host": endpoint.host,
            "weight": endpoint.weight,
            "by_index": endpoint.by_index,
            "change_origin": endpoint.change_origin,
            "served_by": endpoint.process,
            "port_chosen": endpoint.port_chosen,
        }
    if process is not None:
        settings |= {
            "start": process.start,
            "environment": process.environment,
            "depends_on": process.depends_on,
        }
    return backend_spec(**{**settings, **changes})
