"""How users name a backend: `3001`, `localhost:3001`, `api:3001`, `api:2`, or all of `api`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from rpx.errors import UsageError
from rpx.model.specs import BackendSpec
from rpx.model.status import OWN_WORDS, OpenPort
from rpx.model.suggest import did_you_mean


class Named(Protocol):
    """What has the names of a backend: a Snapshot, for one. Its `own`: rpx runs a process by its
    label; else it serves only at an address, or is `external`.
    """

    @property
    def label(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def replica(self) -> int: ...
    @property
    def backend(self) -> str | None: ...
    @property
    def port(self) -> int | None: ...
    @property
    def external(self) -> bool: ...
    @property
    def own(self) -> bool: ...
    @property
    def ports(self) -> Sequence[OpenPort]: ...


class Names(NamedTuple):
    """Nothing but the names of a backend."""

    label: str
    name: str
    replica: int
    backend: str | None
    port: int | None
    external: bool
    own: bool
    ports: tuple[OpenPort, ...] = ()


N = TypeVar("N", bound=Named)


def names_of(spec: BackendSpec) -> Names:
    """Return the names of a backend that need not run."""
    address = spec.address
    return Names(
        label=spec.label,
        name=spec.name,
        replica=spec.replica,
        backend=str(address) if address else None,
        port=address.port if address else None,
        external=spec.external,
        own=spec.process is not None,
        ports=spec.ports,
    )


def select(rows: Sequence[N], target: str, *, one: bool = False) -> list[N]:
    """Return the rows that `target` names, in listed order; `one`: it must be exactly one backend,
    or exactly one with a process, as where a second host has the address of a started one.

    Raises: UsageError that lists the names there are.
    """
    found = [row for row in rows if target == row.label]
    if not found:
        found = [row for row in rows if target in _names(row)]
    if not found:
        found = [row for row in rows if target == row.name]
    if not found:
        kind = "backend" if ":" in target or target.isdecimal() else "service"
        names = dict.fromkeys(name for row in rows for name in (row.name, row.label))
        hint = like(target, names) + _known(rows)
        raise UsageError(f"there is no {kind} `{target}` here", hint=hint)
    own = [row for row in found if row.own]
    if one and len(own) == 1:
        return own
    if one and len(found) > 1:
        labels = ", ".join(f"`{row.label}`" for row in found)
        raise UsageError(f"`{target}` has {len(found)} backends", hint=f"name one of {labels}")
    return found


def like(name: str, known: Iterable[str]) -> str:
    """The beginning of a hint for a name that nothing has: the one that was meant, if any."""
    return did_you_mean(name, known)


def heard(rows: Sequence[Named], names: Sequence[str], *, own: bool) -> Callable[[str], bool]:
    """Return what tells whether the output of a label is wanted: of a service, also of copies that
    it gets later; without names, of every backend. `rpx` is what rpx itself says, as is `own`.

    Raises: UsageError like `select`.
    """
    labels: set[str] = set()
    services: set[str] = set()
    for name in set(names) - {OWN_WORDS}:
        found = select(rows, name)
        if all(row.name == name for row in found):
            services.add(name)
        else:
            labels.update(row.label for row in found)

    def wanted(label: str) -> bool:
        if label == OWN_WORDS:
            return own or OWN_WORDS in names
        return not names or label in labels or label.partition(":")[0] in services

    return wanted


def _names(row: Named) -> set[str]:
    names = {row.label, f"{row.name}:{row.replica}"}
    if row.backend is not None:
        names.add(row.backend)
    for port in _ports(row):
        names |= {port, f":{port}", f"{row.name}:{port}"}
    return names


def _ports(row: Named) -> set[str]:
    """Those which are written, and those at which it really listens."""
    found = {str(port) for each in row.ports for port in (each.known, each.port)}
    if row.backend is None or row.port is None:
        return found
    return found | {row.backend.rpartition(":")[2], str(row.port)}


def _known(rows: Sequence[Named]) -> str:
    labels = ", ".join(f"{row.label} (external)" if row.external else row.label for row in rows)
    return f"the backends of this project are {labels}" if labels else "this project has none"
