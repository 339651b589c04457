"""`ports` of services: each port has one process of ours, and none is one of rpx's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rpx.config.checks.conflicts import Entry
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import ProcessEntry, Start


class _Claimed(NamedTuple):
    """A port that the process of a service is to listen on, and where that is written."""

    name: str
    port: int
    at: Steps


def report_port_conflicts(
    document: Document,
    entries: Sequence[Entry],
    processes: Iterable[tuple[Steps, ProcessEntry]],
    own_ports: Mapping[Steps, int | None],
) -> None:
    """Add all that is wrong with `ports` beside one another and beside all other ports.

    `own_ports`: those on which rpx itself listens, by where they are written.
    """
    _several_copies(document, entries)
    known = {
        source.address.port: _Claimed(entry.proxy.name, source.address.port, at)
        for entry in entries
        for at, source in entry.sources()
        if (source.start or source.served_by is not None) and source.address.port
    }
    own = {port: at for at, port in own_ports.items() if port}
    for each in _claimed(document, entries, processes):
        first = known.setdefault(each.port, each)
        if first.name != each.name:
            document.report(
                f"two services would listen on {each.port}: `{each.name}` here and `{first.name}`"
                f" at {document.where(first.at)}",
                each.at,
                "give one of them another port",
            )
        if each.port in own:
            document.report(
                f"`{each.name}` would listen on {each.port}, the port of"
                f" `{'.'.join(map(str, own[each.port]))}` at {document.where(own[each.port])}",
                each.at,
                "rpx and a service cannot listen on the same port; change one of them",
            )


def _several_copies(document: Document, entries: Sequence[Entry]) -> None:
    """One port is for one process; `auto` gives no more than one, too."""
    for entry in entries:
        shared = [start for at, start in _starts(document, entry) if at == (*entry.at, "start")]
        starts = [start for start in shared if start.ports]
        copies = entry.proxy.replicas or len(starts)
        if starts and copies > 1:
            other = "write `instances: 1`, or `ports` in the `start` of one address"
            document.report(
                f"`{entry.proxy.name}` has {copies} processes, and only one can have its `ports`",
                (*entry.at, "start", "ports"),
                "leave out one of `replicas` and `ports`" if entry.proxy.replicas else other,
            )


def _claimed(
    document: Document, entries: Sequence[Entry], processes: Iterable[tuple[Steps, ProcessEntry]]
) -> Iterator[_Claimed]:
    written = [
        (entry.proxy.name, at, start) for entry in entries for at, start in _starts(document, entry)
    ]
    for name, at, start in [*written, *((each.name, at, each.start) for at, each in processes)]:
        for index, port in enumerate(start.ports):
            if port.address is not None:
                yield _Claimed(name, port.address.port, (*at, "ports", index))


def _starts(document: Document, entry: Entry) -> Iterator[tuple[Steps, Start]]:
    """What runs for an entry, with where its command is written."""
    proxy = entry.proxy
    if proxy.start is not None:
        yield (*entry.at, "start"), proxy.start
    for at, source in entry.sources():
        if source.start is not None:
            own = (*at, "start")
            yield own if document.is_written(own) else (*entry.at, "start"), source.start
