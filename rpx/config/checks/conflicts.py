"""What is right in each entry and wrong between them: ports, names and pools."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rpx.config.yaml.document import Document, Steps
from rpx.model.address import Location, SocketFile
from rpx.model.config import Https, PoolSpec, ProxyEntry, Source
from rpx.model.status import OWN_WORDS

# What entries with the same `to` have together, and what those with the same host do: that has one
# certificate.
POOL_WIDE = (*PoolSpec.model_fields, "health_check")
HOST_WIDE = frozenset({"https"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A proxy and where it is written."""

    at: Steps
    proxy: ProxyEntry

    def sources(self) -> Iterator[tuple[Steps, Source]]:
        """The proxy's sources and where each is written."""
        for index, source in enumerate(self.proxy.sources):
            yield (*self.at, "from", index), source


def report_conflicts(
    document: Document,
    entries: Sequence[Entry],
    processes: Iterable[str],
    own_ports: Mapping[Steps, int | None],
) -> None:
    """Add every conflict to the document's problems, each with both places.

    `own_ports`: those on which rpx itself listens, by where they are written.
    """
    processes = list(processes)
    _own_name(document, entries, processes)
    _one_host_twice(document, entries)
    _same_address_in_a_pool(document, entries)
    _same_port_started_twice(document, entries)
    _one_name_for_two(document, entries, processes)
    _own_port_twice(document, entries, own_ports)
    _nobody_with_a_weight(document, entries)


def _one_host_twice(document: Document, entries: Sequence[Entry]) -> None:
    """Lists that have one of their hosts twice, or only some of those of another entry."""
    owners: dict[str, tuple[Entry, Steps]] = {}
    for entry in entries:
        own: dict[str, Steps] = {}
        for index, to in enumerate((entry.proxy.to, *entry.proxy.also)):
            at: Steps = (*entry.at, "to", index)
            first = own.setdefault(to, at)
            if first != at:
                document.report(
                    f"`{to}` is twice in one `to`: here and at {document.where(first)}",
                    at,
                    "keep one of them",
                )
        others = {to: owners[to] for to in own if to in owners}
        partly = [to for to, (other, _) in others.items() if not _same_hosts(other, entry)]
        for to in partly[:1]:
            document.report(
                f"`{to}` is also in another `to`, which is not the same:"
                f" here and at {document.where(others[to][1])}",
                own[to],
                "entries with the same `to` form one pool: write the same hosts in each, in the"
                " same order, or this one in one of them only",
            )
        owners |= {to: (entry, at) for to, at in own.items() if to not in owners}


def _same_hosts(first: Entry, other: Entry) -> bool:
    return (first.proxy.to, first.proxy.also) == (other.proxy.to, other.proxy.also)


def _own_name(document: Document, entries: Sequence[Entry], processes: Iterable[str]) -> None:
    """What rpx itself has to say is printed, kept and asked for by that name."""
    places: list[Steps] = [
        (*entry.at, "name" if document.is_written((*entry.at, "name")) else "to")
        for entry in entries
        if entry.proxy.name == OWN_WORDS
    ]
    places += [("processes", name) for name in processes if name == OWN_WORDS]
    for at in places:
        document.report(
            f"a service can't be called `{OWN_WORDS}`: what rpx itself says has that name",
            at,
            "call it something else" if at[0] == "processes" else "give it another `name`",
            key=at[0] == "processes",
        )


def agreed(document: Document, entries: Sequence[Entry]) -> list[ProxyEntry]:
    """The proxies, where entries of one pool (one host) share what it has once.

    An entry that is silent about such a setting has that of the one that isn't; two that differ
    are reported.
    """
    shared: dict[tuple[str, str], Entry] = {}
    together = _hosts_together(entries)

    def scope(entry: Entry, setting: str) -> str:
        host = entry.proxy.host
        return together.get(host, host) if setting in HOST_WIDE else entry.proxy.to

    for entry in entries:
        for setting in POOL_WIDE:
            if not document.is_written((*entry.at, setting)):
                continue
            first = shared.setdefault((scope(entry, setting), setting), entry)
            if _compared(first.proxy, setting) != _compared(entry.proxy, setting):
                _disagree(document, first, entry, setting, scope(entry, setting))

    def had(entry: Entry, setting: str) -> Any:  # noqa: ANN401 - each setting has a type of its own
        first = shared.get((scope(entry, setting), setting), entry)
        return _value(first.proxy, setting)

    return [
        entry.proxy.model_copy(
            update={
                "health_check": had(entry, "health_check"),
                "pool": PoolSpec(**{name: had(entry, name) for name in PoolSpec.model_fields}),
            }
        )
        for entry in entries
    ]


def _value(proxy: ProxyEntry, setting: str) -> object:
    return getattr(proxy.pool if setting in PoolSpec.model_fields else proxy, setting)


def _compared(proxy: ProxyEntry, setting: str) -> object:
    value = _value(proxy, setting)
    return value.model_copy(update={"late": False}) if isinstance(value, Https) else value


def _hosts_together(entries: Iterable[Entry]) -> dict[str, str]:
    """Host → the first of all that are in one list with it, or with one of those."""
    first: dict[str, str] = {}
    for entry in entries:
        hosts = entry.proxy.hosts
        met = dict.fromkeys(first[host] for host in hosts if host in first)
        for root in [*met, *hosts][:1]:
            first |= {host: root for host, other in first.items() if other in met}
            first |= dict.fromkeys(hosts, root)
    return first


def _disagree(document: Document, first: Entry, entry: Entry, setting: str, scope: str) -> None:
    why = "a host has one certificate" if setting in HOST_WIDE else "they form one pool"
    document.report(
        f"the entries for `{scope}` disagree about `{setting}`:"
        f" here and at {document.where((*first.at, setting))}",
        (*entry.at, setting),
        f"{why}; write it in one of them, or the same in each",
    )


def _same_address_in_a_pool(document: Document, entries: Sequence[Entry]) -> None:
    seen: dict[tuple[str, str, int | None], Steps] = {}
    for entry in entries:
        for at, source in entry.sources():
            first = seen.setdefault((entry.proxy.to, *_place(source.address)), at)
            if first != at:
                document.report(
                    f"`{source.address}` is twice in the pool of `{entry.proxy.to}`:"
                    f" here and at {document.where(first)}",
                    at,
                    "keep one of them; each copy of a service has an address of its own",
                )


def _same_port_started_twice(document: Document, entries: Sequence[Entry]) -> None:
    seen: dict[tuple[str, int | None], tuple[Steps, str]] = {}
    for entry in entries:
        for at, source in entry.sources():
            if source.start is None and source.served_by is None:
                continue
            first, pool = seen.setdefault(_place(source.address), (at, entry.proxy.to))
            if pool != entry.proxy.to:  # within one pool the address itself is reported
                document.report(
                    f"two processes would listen on `{source.address}`:"
                    f" this one and the one at {document.where(first)}",
                    at,
                    "give one of them another address, or remove one `start`",
                )


def _one_name_for_two(
    document: Document, entries: Sequence[Entry], processes: Iterable[str]
) -> None:
    names: dict[str, Entry] = {}
    for entry in entries:
        if not entry.proxy.reached:
            continue  # checks/between_routes.py
        first = names.setdefault(entry.proxy.name, entry)
        if first.proxy.to != entry.proxy.to:
            document.report(
                f"two proxies are called `{entry.proxy.name}`: `{entry.proxy.to}` here"
                f" and `{first.proxy.to}` at {_name_place(document, first)}",
                _name_steps(document, entry),
                "give one of them another `name`",
            )
    for process in processes:
        if process in names:
            document.report(
                f"process `{process}` has the name of the proxy at"
                f" {_name_place(document, names[process])}",
                ("processes", process),
                "give one of them another name",
                key=True,
            )


def _own_port_twice(
    document: Document, entries: Sequence[Entry], own_ports: Mapping[Steps, int | None]
) -> None:
    backends: dict[int | None, Steps] = {}
    for entry in entries:
        for at, source in entry.sources():
            if source.address.loopback:
                backends.setdefault(source.address.port, at)
    own: dict[int, Steps] = {}
    for steps, port in own_ports.items():
        if not port:
            continue
        name = ".".join(map(str, steps))
        if port in backends:
            document.report(
                f"`{name}` is {port}, the port of the backend at {document.where(backends[port])}",
                steps,
                "rpx and a backend cannot listen on the same port; change one of them",
            )
        first = own.setdefault(port, steps)
        if first != steps:
            document.report(
                f"`{name}` is {port}, the port of `{'.'.join(map(str, first))}` at"
                f" {document.where(first)}",
                steps,
                "give each a port of its own; 0 is any free one",
            )


def _nobody_with_a_weight(document: Document, entries: Sequence[Entry]) -> None:
    pools: dict[str, list[tuple[Steps, Source]]] = {}
    for entry in entries:
        pools.setdefault(entry.proxy.to, []).extend(entry.sources())
    chosen = {entry.proxy.to for entry in entries if entry.proxy.replicas}  # they weigh 1
    for to, sources in pools.items():
        if sources and to not in chosen and not any(source.weight for _, source in sources):
            document.report(
                f"every backend of `{to}` has a weight of 0: none would get a request",
                (*sources[0][0], "weight"),
                "give one of them a weight of 1 or more",
            )


def _name_steps(document: Document, entry: Entry) -> Steps:
    named = (*entry.at, "name")
    # At top level `name` is the project's.
    return named if entry.at and document.is_written(named) else (*entry.at, "to")


def _name_place(document: Document, entry: Entry) -> str:
    return document.where(_name_steps(document, entry))


def _place(address: Location) -> tuple[str, int | None]:
    if isinstance(address, SocketFile):
        return os.path.realpath(address.path), None
    return address.place
