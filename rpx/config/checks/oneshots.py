"""Who comes after a oneshot: what such a service needs on disk may not be there before."""

from __future__ import annotations

from collections.abc import Iterable

from rpx.config.yaml.document import Document, Steps

Entries = Iterable[tuple[Steps, str, object]]  # where, by which name, as written


def oneshots(document: Document) -> frozenset[str]:
    """Return the names of all oneshots, also where something else is wrong with them."""
    processes = document.values.get("processes")
    return frozenset(
        name
        for name, value in (processes if isinstance(processes, dict) else {}).items()
        if isinstance(value, dict) and value.get("oneshot") is True
    )


def after_oneshots(entries: Entries, oneshots: frozenset[str]) -> frozenset[Steps]:
    """Return where those stand that depend on a oneshot, near or far."""
    entries = list(entries)
    late = set(oneshots)
    found: set[Steps] = set()
    grown = bool(late)
    while grown:
        new = [
            (at, name) for at, name, value in entries if at not in found and late & _needs(value)
        ]
        found.update(at for at, _ in new)
        late.update(name for _, name in new)
        grown = bool(new)
    return frozenset(found)


def _needs(value: object) -> set[str]:
    written = value.get("depends_on") if isinstance(value, dict) else None
    names = [written] if isinstance(written, str) else written
    return {str(name) for name in names} if isinstance(names, list | dict) else set()
