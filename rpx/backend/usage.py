"""What the processes of services use: memory and CPU time of each whole tree. Blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import psutil

from rpx.backend.processes import trees
from rpx.model.status import Usage


def measure(leaders: Mapping[str, int]) -> dict[str, Usage]:
    """Return what is used by the tree of each leader, by its label; a leader is a pid.

    A few milliseconds for all of them: call it in a worker thread.
    """
    found = trees(frozenset(leaders.values()))
    return {label: _sum(found[pid]) for label, pid in leaders.items() if found.get(pid)}


def _sum(pids: Iterable[int]) -> Usage:
    memory = count = 0
    cpu = 0.0
    for pid in pids:
        try:
            process = psutil.Process(pid)
            with process.oneshot():
                rss, times = process.memory_info().rss, process.cpu_times()
        except psutil.Error:
            continue
        count += 1
        memory += rss
        # What children that have ended and been waited for have used is on their parents' account.
        cpu += times.user + times.system + times.children_user + times.children_system
    return Usage(memory=memory, cpu=round(cpu, 2), processes=count)
