"""What is wanted: the processes that rpx runs, and the addresses that requests go to. Frozen.

A plan is both. Each has a label; a process may have no address, one or several, and who serves an
address is said there: by the label of a process of ours, or it is external.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rpx.model.address import Location
from rpx.model.status import OpenPort

if TYPE_CHECKING:  # pydantic takes as long to load as all the rest of a command
    from rpx.model.config import Dependency, HealthCheck, Start


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """What one process is to be: what starts it, after whom, and how it is known to be well.

    `label` is unique within a project, and that of its own address if it has one. `replica` counts
    from 1 within `name`. `address` is where it is told to listen, and looked for (None: nowhere);
    `health_check` is how it is asked whether it is well. With neither it is well as long as it
    runs. `environment` is what rpx adds (PORT, HOST, RPX_*); the user's own `start.env` goes on top
    of it. Without `autostart` a run doesn't begin it for its own sake.
    """

    label: str
    name: str
    replica: int
    start: Start
    environment: tuple[tuple[str, str], ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    autostart: bool = True
    address: Location | None = None
    health_check: HealthCheck | None = None

    @property
    def listens(self) -> Location | None:
        """Where its listener is found: its address, or the first of its `ports`."""
        ports = self.start.ports
        return self.address or (ports[0].address if ports else None)


@dataclass(frozen=True, slots=True)
class EndpointSpec:
    """What one address is to be: of which host, with which share of its requests, who serves it.

    `replica` counts from 1 within `name`. `process` is the label of the process that serves it, ""
    where it is somebody else's (external): if it is the label of the address itself, that is the
    process's own. `host` is what stands in `to`. `change_origin` is the origin that it sees instead
    of what clients call it, empty for that. `port_chosen`: by rpx, not by the configuration.
    """

    name: str
    replica: int
    address: Location
    process: str = ""
    host: str = ""
    weight: int = 1
    health_check: HealthCheck | None = None
    change_origin: bytes = b""
    by_index: bool = False
    port_chosen: bool = False

    @property
    def label(self) -> str:
        """Unique within a project: `name:port`, or `name:index` where that isn't (`by_index`)."""
        return f"{self.name}:{self.replica if self.by_index else self.address.called}"

    @property
    def own(self) -> bool:
        """It is that of its process, whose label it has."""
        return self.process == self.label

    @property
    def identity(self) -> str:
        """Who it is to clients that shall find it again: a copy of ours may change its port."""
        return f"{self.name}/{self.replica}" if self.process else str(self.address)


@dataclass(frozen=True, slots=True)
class BackendSpec:
    """What users name by one label: an address, the process whose own it is, or both."""

    endpoint: EndpointSpec | None
    process: ProcessSpec | None

    @property
    def _one(self) -> EndpointSpec | ProcessSpec:
        one = self.endpoint or self.process
        assert one is not None  # noqa: S101 - one of them is there
        return one

    @property
    def label(self) -> str:
        """Its name, unique within a project."""
        return self._one.label

    @property
    def name(self) -> str:
        """That of its service."""
        return self._one.name

    @property
    def replica(self) -> int:
        """Which copy of its service it is, from 1."""
        return self._one.replica

    @property
    def address(self) -> Location | None:
        """Where requests go, or its process is told to listen."""
        return self._one.address

    @property
    def ports(self) -> tuple[OpenPort, ...]:
        """Where else its process listens."""
        ports = self.process.start.ports if self.process is not None else ()
        return tuple(
            OpenPort(port.inside if port.auto else port.address.called, port.address.port)
            for port in ports
            if port.address is not None
        )

    @property
    def host(self) -> str:
        """The `to` that it is there for, "" for none."""
        return self.endpoint.host if self.endpoint is not None else ""

    @property
    def server(self) -> str:
        """The label of the process behind it, also one that has an address of its own; "": none."""
        return self.endpoint.process if self.endpoint is not None else self.label

    @property
    def external(self) -> bool:
        """Somebody else runs what is behind it."""
        return not self.server


def processes_of(specs: Iterable[BackendSpec]) -> list[ProcessSpec]:
    """Return the processes among these."""
    return [spec.process for spec in specs if spec.process is not None]


def endpoints_of(specs: Iterable[BackendSpec]) -> list[EndpointSpec]:
    """Return the addresses among these."""
    return [spec.endpoint for spec in specs if spec.endpoint is not None]
