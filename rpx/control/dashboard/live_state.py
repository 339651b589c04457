"""What dashboards show of a project that runs: rows, figures, trends, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import trio

from rpx.control.dashboard.gathering import Source
from rpx.control.dashboard.minute import Minute
from rpx.control.drilling import Drills
from rpx.control.measure import Measure
from rpx.hub.registry import Registry
from rpx.hub.tally import counts_by_place
from rpx.model.answers import Ps, json_of
from rpx.model.status import State, Usage
from rpx.orders.reasons import why
from rpx.orders.rows import missing_folders, rows

MEASURED: Final = 3.0  # seconds between two looks at what processes use: it reads all of /proc
TREND: Final = 1.0  # seconds between two trends
WRONG: Final = frozenset((State.BACKOFF, State.UNHEALTHY, State.FAILED))


class LiveState:
    """The sources of a `Gathering`, over the one registry."""

    def __init__(self, registry: Registry, measure: Measure) -> None:
        self._registry = registry
        self._measure = measure
        self._minute = Minute()
        self._usage: dict[str, Usage] = {}
        self._shares: dict[str, float] = {}  # label → percent of one core
        self._leaders: dict[str, int] = {}
        self._measured = self._told = float("-inf")
        self._missing: set[Any] = set()
        self._trends: dict[str, object] = {}
        self._shown: dict[str, tuple[Ps, object]] = {}  # rows, and as JSON: that takes longest

    def sources(self) -> dict[str, Source]:
        """Return them by the names of the parts."""
        return {
            "ps": self._rows,
            "cpu": self._cpu,
            "stats": self._stats,
            "minute": self._trend,
            "why": self._why,
        }

    async def _rows(self) -> Mapping[str, object]:
        """A row for each backend, and each route without one, as `rpx ps --json`."""
        shown = rows(self._registry, self._usage, self._missing)
        if await self._looked_at_the_system({row.label: row.pid for row in shown if row.pid}):
            shown = rows(self._registry, self._usage, self._missing)
        found: dict[str, tuple[Ps, object]] = {}
        for row in shown:
            key = row.label
            while key in found:  # one that leaves has the name of one that comes
                key += "'"
            known = self._shown.get(key)
            found[key] = known if known is not None and known[0] == row else (row, json_of(row))
        self._shown = found
        return {key: written for key, (_, written) in found.items()}

    async def _looked_at_the_system(self, who: dict[str, int]) -> bool:
        """Look what these leaders use (label → pid), if that is not as it was."""
        now = trio.current_time()
        if now - self._measured < MEASURED and who == self._leaders:
            return False
        usage = await trio.to_thread.run_sync(self._measure, who)
        self._missing = await trio.to_thread.run_sync(missing_folders, self._registry)
        passed = now - self._measured
        self._shares = {
            label: round(max(used.cpu - before.cpu, 0.0) / passed * 100, 1)
            for label, used in usage.items()
            if (before := self._usage.get(label)) and self._leaders.get(label) == who[label]
        }
        self._usage, self._leaders, self._measured = usage, who, now
        return True

    async def _cpu(self) -> Mapping[str, object]:
        """Percent of one core, of the last seconds."""
        return self._shares

    async def _stats(self) -> Mapping[str, object]:
        """Figures by host and `host:port`, as `rpx stats --json`."""
        return self._registry.stats()

    async def _trend(self) -> Mapping[str, object]:
        """The last minute of each place and who answers there."""
        registry, now = self._registry, trio.current_time()
        self._minute.note(now, counts_by_place(registry.pools, registry.sites.values()))
        if now - self._told >= TREND:
            self._trends = {key: asdict(each) for key, each in self._minute.trends().items()}
            self._told = now
        return self._trends

    async def _why(self) -> Mapping[str, object]:
        """Why the backends that are not well are as they are, as `rpx why --json`."""
        registry, now = self._registry, trio.current_time()
        found = {}
        for label, backend in registry.backends.items():
            if backend.visible_state in WRONG:
                told = json_of(why(registry, backend, now))
                due = told["next_start_in"]
                found[label] = {**told, "next_start_in": due and round(due)}
        return found


def drill_sources(drills: Drills) -> dict[str, Source]:
    """Return those of drills: `drills` by id, and `drilling`: how far the one is that runs."""

    async def all_of_them() -> Mapping[str, object]:
        return {each.id: json_of(replace(each, progress=None)) for each in drills.all()}

    async def under_way() -> Mapping[str, object]:
        return {each.id: each.progress for each in drills.all() if each.state == "running"}

    return {"drills": all_of_them, "drilling": under_way}
