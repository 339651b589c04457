"""This machine: what is installed, which core is used, what a process costs. Linux only."""

from __future__ import annotations

import os
import platform
import random
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

APT = {
    "nginx": "nginx-light",
    "wrk": "wrk",
    "haproxy": "haproxy",
    "caddy": "caddy",
    "h2load": "nghttp2-client",
}
NEEDED = ("nginx", "wrk")  # the origin and the client: without them there is nothing to measure
_TICK = os.sysconf("SC_CLK_TCK")
_VERSION = {"nginx": "-v", "haproxy": "-v", "caddy": "version", "wrk": "-v", "h2load": "--version"}


def find(tool: str) -> str | None:
    """Return the path of a program; daemons lie in /usr/sbin, which not every PATH has."""
    return shutil.which(tool, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def missing(tools: Iterable[str]) -> list[str]:
    """Return those of `tools` that are not installed."""
    return [tool for tool in tools if find(tool) is None]


def how_to_install(tools: Iterable[str]) -> str:
    """Return the line that installs them on Debian and Ubuntu."""
    return "apt install " + " ".join(APT[tool] for tool in tools)


def pin(core: int | None) -> int:
    """Stay on one core from now on, and with us all we start; return which."""
    allowed = os.sched_getaffinity(0)
    chosen = max(allowed) if core is None else core
    if chosen not in allowed:
        raise SystemExit(f"error: there is no core {chosen} here, only {sorted(allowed)}")
    os.sched_setaffinity(0, {chosen})
    return chosen


def raise_file_limit() -> None:
    """1,000 clients are 2,000 descriptors of a proxy."""
    import resource  # noqa: PLC0415 - not everywhere

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


def describe(core: int) -> dict[str, object]:
    """Return what a table needs to be understood later."""
    tools = {tool: _version(path) for tool in _VERSION if (path := find(tool))}
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "core_used": core,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        **tools,
    }


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _version(path: str) -> str:
    name = Path(path).name
    done = subprocess.run(
        (path, _VERSION[name]), capture_output=True, text=True, timeout=10, check=False
    )
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"


def free_ports(count: int) -> list[int]:
    """Return free ports from below those that the kernel gives to clients, who might take one."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: list[int] = []
    for port in random.sample(range(max(low - 20000, 2000), low), 2000):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise SystemExit(f"error: no {count} free ports below {low}")


def family(pid: int) -> list[int]:
    """Return `pid` and all that came of it."""
    found = [pid]
    for parent in found:  # grows on the way
        found += _children(parent)
    return found


def _children(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            yield from map(int, task.read_text().split())
        except OSError:
            continue  # ended in the meantime


def cpu_seconds(pid: int) -> float:
    """Return what a process and its descendants have used of the processor, user and system.

    utime and stime are rounded to ticks of 10 ms, but their sum is what the scheduler has counted
    exactly; rounds are long enough for that.
    """
    total = 0
    for each in family(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / _TICK


def memory(pids: Iterable[int]) -> dict[str, float]:
    """Return megabytes: `rss` counts shared pages in each process, `pss` counts them once."""
    total = {"rss": 0, "pss": 0}
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, value = line.lower().partition(":")
            if name in total:
                total[name] += int(value.split()[0])
    return {name: kilobytes * 1024 / 1e6 for name, kilobytes in total.items()}


def running_as(pids: Iterable[int], word: str) -> list[int]:
    """Return those whose command line has `word`."""
    return [
        pid
        for pid in pids
        if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]
