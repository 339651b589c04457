"""Statistics for people: which columns there are, what fits the terminal, rates per second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rpx.cli.terminal import table
from rpx.cli.terminal.output import size
from rpx.cli.terminal.table import Cell, Table
from rpx.model.figures import Figures

Stats = Mapping[str, Mapping[str, Figures]]
Rates = dict[str, float]  # of the figures in RATED, per second
RATED = ("requests", "errors", "bytesIn", "bytesOut")


@dataclass(frozen=True, slots=True)
class StatsColumn:
    """A heading and its cells. `quiet`: left out while there is nothing in any row."""

    heading: str
    cell: Callable[[Any, Rates | None], object]
    quiet: bool = False


def _ms(key: str) -> Callable[[Any, Rates | None], object]:
    return lambda row, _: f"{row[key]:.1f}" if row["requests"] else "-"


def _rate(key: str) -> Callable[[Any, Rates | None], object]:
    return lambda _, rates: "-" if rates is None else f"{rates[key]:.1f}"


def _figure(key: str) -> Callable[[Any, Rates | None], object]:
    return lambda row, _: row[key]


def _class(name: str) -> Callable[[Any, Rates | None], object]:
    return lambda row, _: row["statuses"][name]


# From left to right as they matter: what doesn't fit is left out on the right.
COLUMNS = [
    StatsColumn("REQUESTS", _figure("requests")),
    StatsColumn("/S", _rate("requests")),
    StatsColumn("ERRORS", _figure("errors")),
    StatsColumn("AVG ms", _ms("avgLatency")),
    StatsColumn("P50", _ms("p50")),
    StatsColumn("P90", _ms("p90")),
    StatsColumn("P99", _ms("p99")),
    StatsColumn("NOW", _figure("inFlight")),
    StatsColumn("RETRIES", _figure("retries"), quiet=True),
    StatsColumn("HELD", _figure("held"), quiet=True),
    StatsColumn("GONE", _figure("abandoned"), quiet=True),
    *(StatsColumn(f"{n}XX", _class(f"{n}xx"), quiet=True) for n in range(1, 6)),
    StatsColumn("IN", lambda row, _: size(row["bytesIn"])),
    StatsColumn("OUT", lambda row, _: size(row["bytesOut"])),
]


def stats_table(stats: Stats, rates: Mapping[str, Mapping[str, Rates]] | None) -> Table:
    """Return a row for each backend. `rates` None: without that column."""
    places = [(host, backend) for host, backends in stats.items() for backend in backends]
    shown = [table.Column("HOST"), table.Column("BACKEND")]
    cells: list[list[str | Cell]] = [
        [host, Cell(backend, backend.removeprefix("localhost:"))] for host, backend in places
    ]
    for rank, column in enumerate(COLUMNS, 1):
        found = [
            str(column.cell(stats[h][b], rates.get(h, {}).get(b) if rates else None))
            for h, b in places
        ]
        if (column.heading == "/S" and rates is None) or (column.quiet and set(found) <= {"0"}):
            continue
        shown.append(table.Column(column.heading, rank, right=True))
        for row, cell in zip(cells, found, strict=True):
            row.append(cell)
    filled = Table(shown, in_order=True)
    for row in cells:
        filled.add(*row)
    return filled


def rates_between(before: Stats, now: Stats, seconds: float) -> dict[str, dict[str, Rates]]:
    """Return host → backend → what has grown by how much per second."""
    return {
        host: {
            backend: {
                key: round((row[key] - _before(before, host, backend, key)) / seconds, 1)
                for key in RATED
            }
            for backend, row in backends.items()
        }
        for host, backends in _plain(now).items()
    }


def _plain(stats: Stats) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    return stats


def _before(stats: Stats, host: str, backend: str, key: str) -> float:
    found: float = _plain(stats).get(host, {}).get(backend, {}).get(key, 0)
    return found
