"""A snapshot as `rpx ps` shows it, with what only the record and the system know."""

from __future__ import annotations

from rpx.hub.backend import Backend
from rpx.model.answers import Ps
from rpx.model.status import Snapshot, State, Usage

LAST_LINES = 5  # of one that has failed


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
    )


def last_lines(backend: Backend, count: int) -> tuple[str, ...]:
    """What it has printed last; bytes that are no text as lone surrogates."""
    lines = backend.lines.tail(count) if backend.lines is not None else []
    return tuple(line.text.decode("utf-8", "surrogateescape") for line in lines)
