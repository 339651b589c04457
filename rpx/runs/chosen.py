"""Rows of the control API by the names that users give backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from rpx.policy.naming import Names, select

Row = dict[str, Any]


def names_in(row: Row) -> Names:
    """What the backend of a row may be called."""
    return Names(**{field: row[field] for field in Names._fields})


def chosen(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return the rows that these names mean, in listed order; all, without a name.

    Raises: UsageError that lists the names there are.
    """
    if not names:
        return list(rows)
    called = [names_in(row) for row in rows]
    labels = {each.label for name in names for each in select(called, name)}
    return [row for row in rows if row["label"] in labels]


def chosen_places(
    stats: Mapping[str, Mapping[str, Any]], rows: Sequence[Row], names: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return of host → backend → figures what these names mean; a host is a name, too.

    What rpx has answered itself belongs to the host as a whole.
    """
    if not names:
        return {host: dict(backends) for host, backends in stats.items()}
    whole = {name for name in names if name in stats}
    found = chosen(rows, left) if (left := [name for name in names if name not in whole]) else []
    places = {(_host(row["url"]), row["backend"]) for row in found if row["url"]}
    kept = {}
    for host, backends in stats.items():
        mine = {
            each: row for each, row in backends.items() if host in whole or (host, each) in places
        }
        if mine and set(backends) - set(mine) == {"rpx"}:
            mine = dict(backends)
        if mine:
            kept[host] = mine
    return kept


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}{parts.path}"
