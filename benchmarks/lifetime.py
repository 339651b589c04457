"""What a whole life of rpx costs: memory at rest and after many requests, and the time to start."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import ROOT, RPX, environment, proxy
from benchmarks.load import Load, Place, measure
from benchmarks.machine import family, free_ports, memory, running_as
from benchmarks.processes import HOST, Failed, answers, end
from benchmarks.rounds import Origins, Pace

TINY = str(ROOT / "benchmarks" / "tiny.py")
SETTLED = 1.0  # seconds
GROWTH = 1.0  # MB: below what one more arena of the allocator takes, nothing has grown


@dataclass(frozen=True, slots=True)
class Figure:
    """A single number with its limit, which it must not exceed."""

    name: str
    title: str
    value: float
    limit: float
    unit: str
    note: str = ""

    @property
    def reached(self) -> bool:
        """Whether that is good enough."""
        return self.value <= self.limit


def idle_memory(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """Memory of guardian and supervisor with ten backends that rpx itself has started."""
    del pace, origins
    ports = free_ports(11)
    with _up(folder, ports[0], ports[1:]) as process:
        _until(lambda: answers(ports[0], "/"))
        _until(lambda: len(family(process.pid)) >= 12)
        time.sleep(SETTLED)
        found = memory(_of_rpx(process.pid))
    note = f"shared pages counted once: {found['pss']:.1f} MB"
    return [Figure("memory", "memory, idle, 10 backends", found["rss"], 80, "MB", note)]


def growth(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """Memory before and after so many requests, beyond what the first tenth of them took."""
    folder.mkdir()
    (port,) = free_ports(1)
    with proxy("rpx", folder / "rpx", port, origins.http[:2]) as pid:
        served = _serve(port, pid, pace.requests // 10, folder)
        time.sleep(SETTLED)
        before = memory(_of_rpx(pid))["rss"]
        served = _serve(port, pid, pace.requests, folder)
        time.sleep(SETTLED)
        after = memory(_of_rpx(pid))["rss"]
    note = f"{before:.1f} → {after:.1f} MB after {served:,} requests"
    return [Figure("growth", "growth of memory", after - before, GROWTH, "MB", note)]


def _serve(port: int, pid: int, count: int, folder: Path) -> int:
    served = 0
    while served < count:
        served += int(measure(Load(), Place(port, pid), 5.0, folder).rate * 5)
    return served


def _of_rpx(pid: int) -> list[int]:
    return running_as(family(pid), "up")


def help_time(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """How long `rpx --help` takes."""
    del origins
    folder.mkdir()
    times = [_help(folder) for _ in range(pace.rounds + 2)]
    return [Figure("help", "`rpx --help`", statistics.median(times[1:]), 0.2, "s")]


def _help(folder: Path) -> float:
    began = time.perf_counter()
    subprocess.run(
        (*RPX, "--help"),
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=60,
        env=environment(folder),
        cwd=folder,
    )
    return time.perf_counter() - began


def up_time(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """From `rpx up` to the first answer, less what the backend alone takes to its own."""
    del origins
    folder.mkdir()
    differences, alone, through = [], [], []
    for number in range(pace.rounds):
        alone.append(_tiny(folder))
        through.append(_first_answer(folder / str(number)))
        differences.append(through[-1] - alone[-1])
    note = f"{statistics.median(through):.2f} s, the backend alone {statistics.median(alone):.2f} s"
    title = "`rpx up` to the first answer"
    return [Figure("up", title, statistics.median(differences), 0.7, "s", note)]


def _tiny(folder: Path) -> float:
    (port,) = free_ports(1)
    began = time.perf_counter()
    process = subprocess.Popen((sys.executable, TINY, str(port)), cwd=folder)
    try:
        _until(lambda: answers(port))
        return time.perf_counter() - began
    finally:
        end(process)


def _first_answer(folder: Path) -> float:
    ports = free_ports(2)
    began = time.perf_counter()
    with _up(folder, ports[0], ports[1:]):
        _until(lambda: answers(ports[0]))
        return time.perf_counter() - began


@contextmanager
def _up(folder: Path, port: int, backends: list[int]) -> Iterator[subprocess.Popen[bytes]]:
    """Run `rpx up` with backends that it starts itself."""
    folder.mkdir()
    file = folder / "rpx.yaml"
    lines = (
        f"listen: {{host: 127.0.0.1, http_port: {port}}}",
        f"to: {HOST}",
        f"from: [{', '.join(f'127.0.0.1:{backend}' for backend in backends)}]",
        f"start: [{sys.executable}, {TINY}]",
    )
    file.write_text("\n".join(lines))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            (*RPX, "up", "-f", str(file)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment(folder),
            cwd=folder,
        )
    try:
        yield process
    finally:
        end(process)


def _until(true: Callable[[], bool], within: float = 30.0) -> None:
    deadline = time.monotonic() + within
    while not true():
        if time.monotonic() > deadline:
            raise Failed("rpx or its backend does not answer")
        time.sleep(0.005)


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {
    "memory": idle_memory,
    "growth": growth,
    "help": help_time,
    "up": up_time,
}
