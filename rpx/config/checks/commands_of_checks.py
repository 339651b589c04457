"""Health checks by a command, which runs beside a process: there has to be one of rpx's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rpx.config.checks.conflicts import Entry
from rpx.config.yaml.document import Document, Steps
from rpx.model.config import ProcessEntry, ProxyEntry


def report_commands_of_checks(
    document: Document,
    entries: Sequence[Entry],
    proxies: Iterable[ProxyEntry],
    processes: Iterable[tuple[Steps, ProcessEntry]],
) -> None:
    """Add those that would have nothing to run beside; `proxies` are those of `entries`."""
    ours = {
        port.address.place
        for _, process in processes
        for port in process.start.ports
        if port.address is not None
    } | {
        source.address.place
        for entry in entries
        for source in entry.proxy.sources
        if source.start is not None or source.served_by is not None
    }
    for entry, proxy in zip(entries, proxies, strict=True):
        if proxy.health_check is None or proxy.health_check.command is None:
            continue
        foreign = [s.address for s in proxy.sources if s.address.place not in ours]
        if foreign:
            document.report(
                f"the health check of `{proxy.name}` is a command, which runs beside a process of"
                f" rpx's, and `{foreign[0]}` has none",
                _written(document, entry),
                "write `path: /health` or `tcp` in its place, or give it a `start`",
            )


def _written(document: Document, entry: Entry) -> Steps:
    own = (*entry.at, "health_check")
    return own if document.is_written(own) else ("defaults", "health_check")
