"""How users name a backend: `3001`, `localhost:3001`, `api:3001`, `api:2`, or all of `api`."""

from __future__ import annotations

from collections.abc import Sequence

from rpx.errors import UsageError
from rpx.model.status import Snapshot


def select(rows: Sequence[Snapshot], target: str, *, one: bool = False) -> list[Snapshot]:
    """Return the rows that `target` names, in listed order; `one`: it must be exactly one backend.

    Raises UsageError that lists the names there are.
    """
    found = [row for row in rows if target == row.label]
    if not found:
        found = [row for row in rows if target in _names(row)]
    if not found:
        found = [row for row in rows if target == row.name]
    if not found:
        raise UsageError(f"there is no backend `{target}` here", hint=_known(rows))
    if one and len(found) > 1:
        labels = ", ".join(f"`{row.label}`" for row in found)
        raise UsageError(f"`{target}` has {len(found)} backends", hint=f"name one of {labels}")
    return found


def _names(row: Snapshot) -> set[str]:
    names = {row.label, f"{row.name}:{row.replica}"}
    if row.backend is not None:
        names.add(row.backend)
    if row.port is not None:
        names |= {str(row.port), f":{row.port}", f"{row.name}:{row.port}"}
    return names


def _known(rows: Sequence[Snapshot]) -> str:
    labels = ", ".join(f"{row.label} (external)" if row.external else row.label for row in rows)
    return f"the backends of this project are {labels}" if labels else "this project has none"
