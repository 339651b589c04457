"""A page of modules in Chromium, through rpx and through Caddy in turn: how long it takes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.contenders import environment, proxy
from benchmarks.lifetime import Figure
from benchmarks.machine import find, free_ports
from benchmarks.page_origin import MODULES
from benchmarks.processes import HOST, Failed, end, running
from benchmarks.rounds import Origins, Pace

PROXIES = ("rpx", "caddy")
LOADS = 21  # of each, and the first is not counted: there everything is loaded and connected
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server",
           "--disable-dev-shm-usage", "--ignore-certificate-errors")  # fmt: skip
PATIENCE = 300.0  # seconds for all


def page(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """From the beginning of the first module to the end of the last, alternating."""
    del pace, origins
    folder.mkdir()
    if find("chromium") is None or find("caddy") is None:
        sys.stderr.write("page: left out, since Chromium or Caddy is not installed\n")
        return []
    behind, *ports = free_ports(1 + len(PROXIES))
    urls = [f"https://{HOST}:{port}/page" for port in ports]
    words = (sys.executable, "-S", "-m", "benchmarks.page_origin", str(behind), str(LOADS), *urls)
    log = folder / "log"
    with ExitStack() as stack:
        stack.enter_context(running(words, behind, log, environment(folder)))
        for name, port in zip(PROXIES, ports, strict=True):
            stack.enter_context(proxy(name, folder / name, port, [behind], tls=True))
        with _browser(folder / "browser", f"{urls[0]}?who=first&t=first"):
            said = _said(log)
    if {how for _, _, how in said} != {"h2"}:
        raise Failed(f"the pages came by {sorted({how for _, _, how in said})}")
    times = [[took for who, took, _ in said if who == str(n)][1:] for n in range(len(PROXIES))]
    ours, theirs = map(median, times)
    note = f"rpx {ours / 1e3:.2f} s, Caddy {theirs / 1e3:.2f} s, medians of {len(times[0])}"
    paired = median(one / other for one, other in zip(*times, strict=True))
    return [Figure("page", f"page of {MODULES} modules, rpx / Caddy", paired, 1.0, "×", note)]


def _said(log: Path) -> list[tuple[str, float, str]]:
    """Wait for all pages; return of each who has served it, its ms, and the protocol."""
    expected = 1 + LOADS * len(PROXIES)
    deadline = time.monotonic() + PATIENCE
    while len(lines := log.read_text().splitlines()) < expected:
        if time.monotonic() > deadline:
            raise Failed(f"only {len(lines)} of {expected} pages were loaded")
        time.sleep(0.2)
    found = [line.split() for line in lines]
    if {count for _, _, count, _ in found} != {str(MODULES)}:
        raise Failed("a page lacks modules")
    return [(who, float(took), how) for who, took, _, how in found[1:]]


@contextmanager
def _browser(home: Path, url: str) -> Iterator[None]:
    """Run Chromium with that page, on all cores: a browser takes more of them than a proxy."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    try:
        process = subprocess.Popen(
            (str(find("chromium")), *OPTIONS, f"--user-data-dir={home}", url),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    finally:
        os.sched_setaffinity(0, ours)
    try:
        yield
    finally:
        end(process)


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {"page": page}
