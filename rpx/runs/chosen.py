"""Rows of a running project by the names that users give backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from rpx.model.answers import Ps
from rpx.model.figures import Figures
from rpx.policy.naming import select


def chosen(rows: Sequence[Ps], names: Sequence[str]) -> list[Ps]:
    """Return the rows that these names mean, in listed order; all, without a name.

    Raises: UsageError that lists the names there are.
    """
    if not names:
        return list(rows)
    labels = {each.label for name in names for each in select(rows, name)}
    return [row for row in rows if row.label in labels]


def chosen_places(
    stats: Mapping[str, Mapping[str, Figures]], rows: Sequence[Ps], names: Sequence[str]
) -> dict[str, dict[str, Figures]]:
    """Return of host → backend → figures what these names mean; a host is a name, too. `rows` have
    those of routes without backends.

    What rpx has answered itself belongs to the host as a whole.
    """
    if not names:
        return {host: dict(backends) for host, backends in stats.items()}
    whole = {name for name in names if name in stats}
    found = chosen(rows, left) if (left := [name for name in names if name not in whole]) else []
    places = {(row.place or _host(row.url), row.backend) for row in found if row.url}
    whole |= {row.place for row in found if row.place and row.does}
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
