"""What rpx costs while nobody asks: ten services that are well, and one that crashes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.contenders import RPX, environment
from benchmarks.lifetime import TINY, Figure
from benchmarks.machine import family, free_ports, running_as
from benchmarks.processes import HOST, running
from benchmarks.rounds import Origins, Pace

SETTLED = 2.0  # seconds, after which the start is over
WATCHED = 12.0  # seconds, with two rounds of health checks, or the rests of a crash loop


def quiet(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """CPU of guardian and supervisor beside ten backends that are checked and get no request."""
    del pace, origins
    port, *backends = free_ports(11)
    addresses = ", ".join(f"127.0.0.1:{backend}" for backend in backends)
    text = (
        f"to: {HOST}\nfrom: [{addresses}]\nstart: [{sys.executable}, {TINY}]\nhealth_check: {{}}\n"
    )
    share = _share(folder, port, text)
    return [Figure("quiet", "CPU, ten quiet backends", share, 1, "%")]


def crash_loop(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """CPU of guardian, supervisor and what they start, while a service crashes again and again."""
    del pace, origins
    port, backend = free_ports(2)
    text = (
        f"proxies: [{{to: {HOST}, from: 127.0.0.1:{backend}, start: [{sys.executable}, {TINY}]}}]\n"
        "processes: {bad: {command: exit 1, restart: {max_restarts: 50}}}\n"
    )
    share = _share(folder, port, text)
    return [Figure("loop", "CPU, a service that crashes at once", share, 3, "%")]


def _share(folder: Path, port: int, text: str) -> float:
    """Percent of a CPU that rpx takes with this configuration."""
    folder.mkdir()
    (folder / "rpx.yaml").write_text(f"listen: {{host: 127.0.0.1, http_port: {port}}}\n{text}")
    with running((*RPX, "up"), port, folder / "log", environment(folder)) as pid:
        ours = running_as(family(pid), "up")
        time.sleep(SETTLED)
        before, began = _cpu(ours), time.perf_counter()
        time.sleep(WATCHED)
        return 100 * (_cpu(ours) - before) / (time.perf_counter() - began)


def _cpu(pids: list[int]) -> float:
    """Seconds of these processes and of the children that they have seen end."""
    return sum(sum(psutil.Process(pid).cpu_times()[:4]) for pid in pids)


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {
    "quiet": quiet,
    "loop": crash_loop,
}
