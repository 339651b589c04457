"""A dashboard that stays open under load: `make soak-dashboard`, an hour, or `MINUTES=`.

One tab in Chromium watches a project that is asked all the time and prints all the time: half of
the time its requests, then one screen after the other. It ends with 1 if the page's heap has grown
by 50 MB or more, or rpx by more than it may remember.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

import psutil

from tests.support.browser import Tab, browser
from tests.support.project import Project, project_in, supervisor

HEAP: Final = 50.0  # MB
MEMORY: Final = 64.0  # MB: 16 of requests, 2 for what each speaker has printed, the index of files
WARM: Final = 30.0  # seconds until everything has been used once
EVERY: Final = 60.0
CLIENTS: Final = 4
SCREENS: Final = ("r", "l", "n", "d")
TALKER = """\
processes:
  talker:
    command: >-
      n=0; while :; do n=$((n+1)); echo "level=info number=$n what=talking";
      [ $((n%10)) = 0 ] && echo '{"level":"error","msg":"now and then"}'; sleep 0.02; done
"""


@dataclass(frozen=True)
class Sample:
    """At a moment: minutes since the beginning; MB of the page's heap and of rpx; requests."""

    minute: float
    screen: str
    heap: float
    memory: float
    nodes: int
    requests: int


class Asking:
    """Clients that ask so often a second, all together."""

    def __init__(self, port: int, rate: float) -> None:
        self._port = port
        self._pause = CLIENTS / rate
        self._ended = threading.Event()
        self.done = 0
        self.failed = 0
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]

    @contextmanager
    def __call__(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join()

    def _ask(self, number: int) -> None:
        http = HTTPConnection("127.0.0.1", self._port, timeout=30)
        body = json.dumps({"client": number, "text": "x" * 500})
        paths = ("/orders?page=2", "/echo", "/app.js", "/status?c=404", "/status?c=500")
        due, count = time.monotonic(), 0
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due = max(due + self._pause, time.monotonic() - 1)
            count += 1
            path = f"{paths[count % len(paths)]}" if count % 3 else f"/orders/{number}-{count}"
            try:
                http.request("POST", path, body, {"Host": "api.localhost"})
                http.getresponse().read()
                self.done += 1
            except (OSError, HTTPException):
                self.failed += 1
                http.close()


def main() -> int:
    """Run it; 0 if nothing has grown beyond its bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=200, help="requests a second  [200]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="t.", dir="/tmp") as folder:
        with project_in(Path(folder)) as project:
            samples, asking = soak(project, options.minutes, options.rate)
    if options.json:
        options.json.write_text(json.dumps([vars(sample) for sample in samples], indent=1))
    return report(samples, asking)


def soak(project: Project, minutes: float, rate: float) -> tuple[list[Sample], Asking]:
    """Watch for so long."""
    project.forks = False
    project.copies(2, TALKER)
    asking = Asking(project.http_port, rate)
    rule = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
    with project.up() as process, asking(), browser(project.folder, rule) as chromium:
        tab = chromium.open(project.rpx("open", "--dashboard", "--print").stdout.strip())
        tab.until("document.querySelectorAll('tbody tr').length > 2", "the rows")
        rpx = supervisor(process)
        for key in SCREENS:
            press(tab, key)
            time.sleep(WARM / len(SCREENS))
        press(tab, "r")
        began = time.monotonic()
        samples = [sample(tab, rpx, asking, began, "r")]
        say(line(samples[0]))
        screens = 0
        while (passed := time.monotonic() - began) < minutes * 60:
            time.sleep(min(EVERY, max(1.0, minutes * 60 - passed)))
            key = "r"
            if passed > minutes * 30:
                screens += 1
                key = SCREENS[screens % len(SCREENS)]
                press(tab, key)
                time.sleep(2)
            samples.append(sample(tab, rpx, asking, began, key))
            say(line(samples[-1]))
    return samples, asking


def press(tab: Tab, key: str) -> None:
    """Press a key, which leads to a screen."""
    event = f"new KeyboardEvent('keydown', {{key: '{key}', bubbles: true}})"
    tab.run(f"document.body.dispatchEvent({event})")


def sample(tab: Tab, rpx: psutil.Process, asking: Asking, began: float, key: str) -> Sample:
    """Look at the page once its garbage is gone, and at the supervisor."""
    tab.ask("HeapProfiler.enable")
    tab.ask("HeapProfiler.collectGarbage")
    used = float(tab.ask("Runtime.getHeapUsage")["usedSize"])
    return Sample(
        round((time.monotonic() - began) / 60, 2),
        {"r": "requests", "l": "logs", "n": "now", "d": "drills"}[key],
        round(used / 1e6, 1),
        round(rpx.memory_info().rss / 1e6, 1),
        int(tab.run("document.querySelectorAll('*').length")),
        asking.done,
    )


def line(each: Sample) -> str:
    """One line of the table."""
    sizes = f"heap {each.heap:6.1f} MB  rpx {each.memory:6.1f} MB  {each.nodes:5} nodes"
    return f"{each.minute:6.1f} min  {each.screen:<8}  {sizes}  {each.requests:8} requests"


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def report(samples: list[Sample], asking: Asking) -> int:
    """Say what has grown; 1 if that is too much."""
    heap = max(each.heap for each in samples) - samples[0].heap
    memory = samples[-1].memory - samples[0].memory
    say(f"heap: {heap:+.1f} MB at most (bound {HEAP:.0f})")
    say(f"rpx: {memory:+.1f} MB (bound {MEMORY:.0f})")
    say(f"{asking.done} requests, {asking.failed} without an answer")
    return int(heap >= HEAP or memory >= MEMORY or asking.failed > 0)


if __name__ == "__main__":
    sys.exit(main())
