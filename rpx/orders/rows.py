"""A snapshot as `rpx ps --json` shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from rpx.hub.records import Backend
from rpx.model.status import Snapshot, State, Usage

LAST_LINES = 5  # of one that has failed


def ps_row(row: Snapshot, usage: Usage | None, backend: Backend | None) -> dict[str, Any]:
    """The keys that scripts rely on first, in the order of the documentation; then the rest.

    `backend` is None for one that is leaving the project.
    """
    failed = backend.witness if backend and row.state is State.FAILED else None
    return {
        "name": row.name,
        "backend": row.backend,
        "port": row.port,
        "state": row.state.value,
        "pid": row.pid,
        "restarts": row.restarts,
        "since": row.since,
        "in_rotation": row.in_rotation,
        "url": row.url,
        "label": row.label,
        "replica": row.replica,
        "external": row.external,
        "served_by": row.served_by or None,
        "weight": row.weight,
        "in_flight": row.in_flight,
        "last_error": row.last_error,
        "command": row.command,
        "waiting_for": [asdict(each) for each in row.waiting_for],
        "memory": usage.memory if usage else None,
        "cpu": usage.cpu if usage else None,
        "processes": usage.processes if usage else None,
        "last_lines": last_lines(failed, LAST_LINES) if failed else [],
    }


def last_lines(backend: Backend, count: int) -> list[str]:
    """What it has printed last; bytes that are no text as lone surrogates."""
    return [line.text.decode("utf-8", "surrogateescape") for line in backend.lines.tail(count)]
