"""What `rpx ps` shows: a snapshot with what only the record and the system know, and routes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from rpx.hub.backend import Backend
from rpx.hub.registry import Registry
from rpx.hub.site import Way
from rpx.hub.tally import without_backends
from rpx.model.answers import Ps
from rpx.model.route import StaticFiles, ToPool
from rpx.model.status import OWN_WORDS, Snapshot, State, Usage

LAST_LINES = 5  # of one that has failed


def leaders(registry: Registry) -> dict[str, int]:
    """Return label → pid of all that have a process, also of those that are leaving."""
    shown = [*registry.snapshot(), *registry.goodbyes()]
    return {row.label: row.pid for row in shown if row.pid is not None}


def rows(
    registry: Registry, usage: Mapping[str, Usage], missing: Collection[Path] | None
) -> list[Ps]:
    """Return the rows of all backends; with `missing` (folders) also those of routes."""
    told_by = {b.label: registry.told_by(b) for b in registry.backends.values()}
    shown = [
        ps_row(row, usage.get(row.label), told_by.get(row.label))
        for row in (*registry.snapshot(), *registry.goodbyes())
    ]
    return shown if missing is None else shown + route_rows(registry, missing)


def missing_folders(registry: Registry) -> set[Path]:
    """Return which folders of files are not there. Blocks."""
    return {folder for folder in folders(registry) if not folder.is_dir()}


def ps_row(row: Snapshot, usage: Usage | None, backend: Backend | None) -> Ps:
    """Return the row of one backend; `backend` is None for one that is leaving the project."""
    failed = backend if row.state is State.FAILED else None
    return Ps(
        name=row.name,
        backend=row.backend,
        port=row.port,
        state=row.state.value,
        pid=row.pid,
        restarts=row.restarts,
        since=row.since,
        in_rotation=row.in_rotation,
        url=row.url,
        label=row.label,
        replica=row.replica,
        external=row.external,
        served_by=row.served_by or None,
        weight=row.weight,
        in_flight=row.in_flight,
        last_error=row.last_error,
        command=row.command,
        internal_url=row.internal_url,
        waiting_for=row.waiting_for,
        ports=row.ports,
        memory=usage.memory if usage else None,
        cpu=usage.cpu if usage else None,
        processes=usage.processes if usage else None,
        last_lines=last_lines(failed, LAST_LINES) if failed else (),
        place=row.place,
        does=None,
        other_urls=row.other_urls,
    )


def folders(registry: Registry) -> set[Path]:
    """Return those whose files are the answers of a route, or of a proxy."""
    ways = (way for site in registry.sites.values() for way in site.all_ways)
    return {way.answerer.folder for way in ways if isinstance(way.answerer, StaticFiles)}


def route_rows(registry: Registry, missing: Collection[Path]) -> list[Ps]:
    """Return a row for each route that has no backends of its own, and each proxy that has none.

    It is `ready` where it can answer, and `unhealthy` where its folder is `missing` or none of the
    backends of the other entry is in rotation; rpx serves it, or that entry.
    """
    ways = without_backends(registry.pools, registry.sites.values())
    return [_route_row(registry, way, missing) for way in ways if way.answerer is not None]


def _route_row(registry: Registry, way: Way, missing: Collection[Path]) -> Ps:
    wrong = _wrong(way, missing)
    return Ps(
        name=way.name,
        backend=None,
        port=None,
        state=(State.UNHEALTHY if wrong else State.READY).value,
        pid=None,
        restarts=0,
        since=way.since,
        in_rotation=not wrong,
        url=registry.url(way.place),
        label=way.place,
        replica=1,
        external=False,
        served_by=way.service or OWN_WORDS,
        weight=1,
        in_flight=0,
        last_error=wrong,
        command=None,
        internal_url=None,
        waiting_for=(),
        ports=(),
        memory=None,
        cpu=None,
        processes=None,
        last_lines=(),
        place=way.place,
        does=way.does,
        other_urls=registry.other_urls(way.place),
    )


def _wrong(way: Way, missing: Collection[Path]) -> str:
    """Why it can't answer; "" if it can."""
    match way.answerer:
        case StaticFiles(folder=folder) if folder in missing:
            return f"there is no folder {folder}"
        case ToPool(pool=to) if way.pool is None:
            return f"there are no backends of {to}"
        case ToPool() if way.pool and not any(each.in_rotation for each in way.pool.backends):
            return f"no backend of {way.service} is in rotation"
        case _:
            return ""


def last_lines(backend: Backend, count: int) -> tuple[str, ...]:
    """What it has printed last; bytes that are no text as lone surrogates."""
    lines = backend.lines.tail(count) if backend.lines is not None else []
    return tuple(line.text.decode("utf-8", "surrogateescape") for line in lines)
