"""What an open dashboard costs: rpx's share of a core with somebody who looks, more than without.

The same 2,000 requests a second all the time, while a page's streams are open and closed in turn.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.contenders import RPX, environment
from benchmarks.lifetime import Figure
from benchmarks.machine import cpu_seconds, free_ports
from benchmarks.processes import HOST, Failed, running
from benchmarks.rounds import Origins, Pace

Count = Callable[[], int]
RATE = 2000  # requests a second
CONNECTIONS = 8
SETTLED = 0.5  # seconds after a stream was opened or closed
STREAMS = {
    "now": ("/api/live",),
    "requests": ("/api/live", "/api/v1/requests?follow=true&at_once=40&noise=false&tail=2000"),
}
TITLES = {"now": "its first screen", "requests": "requests"}
ASKED = (
    f"GET /small HTTP/1.1\r\nHost: {HOST}\r\nUser-Agent: Mozilla/5.0 (X11; Linux; rv:133.0)"
    " Gecko/20100101 Firefox/133.0\r\nAccept: */*\r\nCookie: session=0123456789abcdef\r\n\r\n"
).encode()


def watched(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """Percent of a core, for each screen that shows requests."""
    folder.mkdir()
    (port,) = free_ports(1)
    (folder / "rpx.yaml").write_text(
        f"name: shop\nlisten: {{host: 127.0.0.1, http_port: {port}, door: false}}\nto: {HOST}\n"
        f"from: [{', '.join(f'127.0.0.1:{each}' for each in origins.http[:2])}]\n"
    )
    figures = []
    with running((*RPX, "up"), port, folder / "log", environment(folder)) as pid:
        with _load(port, folder / "asked") as asked:
            for name, paths in STREAMS.items():
                shares = [
                    _shares(pid, asked, pace, partial(_looking, port, paths, folder))
                    for _ in range(pace.rounds)
                ]
                off = statistics.median(each[0] for each in shares)
                more = statistics.median(each[1] for each in shares)
                note = f"{RATE} requests a second take {off:.1f} % without"
                title = f"a dashboard that shows {TITLES[name]}: more, of a core"
                figures.append(Figure(f"watched-{name}", title, more, 1, "%", note))
    return figures


def _shares(
    pid: int, asked: Count, pace: Pace, looking: Callable[[], AbstractContextManager[None]]
) -> tuple[float, float]:
    """The share of a core that the requests take, and how much more is taken with who looks.

    A machine with other things to do lets through fewer requests: their cost is counted by number.
    """
    before = _used(pid, asked, pace.seconds)
    with looking():
        time.sleep(SETTLED)
        there = _used(pid, asked, pace.seconds)
    time.sleep(SETTLED)
    after = _used(pid, asked, pace.seconds)
    each = (before[0] + after[0]) / max(1, before[1] + after[1])  # seconds of one request
    return each * RATE * 100, (there[0] - each * there[1]) / there[2] * 100


def _used(pid: int, asked: Count, seconds: float) -> tuple[float, int, float]:
    """Seconds of the processor, requests, and seconds."""
    began, used, count = time.perf_counter(), cpu_seconds(pid), asked()
    time.sleep(seconds)
    return cpu_seconds(pid) - used, asked() - count, time.perf_counter() - began


@contextmanager
def _looking(port: int, paths: tuple[str, ...], folder: Path) -> Iterator[None]:
    """Somebody who has come by a link reads these streams as they come."""
    done = subprocess.run(
        (*RPX, "open", "--dashboard", "--print"),
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    link = urlsplit(done.stdout.strip())
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": link.netloc}
    client.request("GET", f"{link.path}?{link.query}", headers=headers)
    answer = client.getresponse()
    answer.read()
    headers["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    client.request("GET", "/", headers=headers)
    page = client.getresponse().read().decode()
    found = re.search(r'name="rpx-csrf" content="([^"]+)"', page)
    if found is None:
        raise Failed(f"no dashboard at {link.netloc}: {page[:200]}")
    headers["X-Rpx-Csrf"] = found[1]
    client.close()
    with ExitStack() as stack:
        for path in paths:
            stack.enter_context(_read(port, path, headers))
        yield


@contextmanager
def _read(port: int, path: str, headers: dict[str, str]) -> Iterator[None]:
    stream = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    stream.request("GET", path, headers=headers)
    answer = stream.getresponse()
    if answer.status != 200:
        raise Failed(f"{path}: {answer.status} {answer.read()[:200]!r}")

    def read() -> None:
        try:
            while answer.read1(65536):
                pass
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # it was closed

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
    finally:
        if stream.sock is not None:
            stream.sock.shutdown(2)
        reader.join(5)
        stream.close()


@contextmanager
def _load(port: int, file: Path) -> Iterator[Count]:
    """The requests, by a process of their own; how many it has sent so far."""
    file.write_bytes(bytes(8))
    told = json.dumps([port, RATE, CONNECTIONS, str(file)])
    process = subprocess.Popen((sys.executable, "-m", "benchmarks.watched", told))
    try:
        time.sleep(SETTLED)
        yield lambda: int.from_bytes(file.read_bytes(), "little")
    finally:
        process.kill()
        process.wait()


def ask(port: int, rate: int, connections: int, file: str) -> None:
    """Send so many requests a second, over connections that stay, until killed; count in a file.

    Raises: Failed when rpx closes a connection.
    """
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    due, step, count = time.perf_counter(), connections / rate, 0
    with open(file, "r+b", buffering=0) as counted:
        while True:
            for client in clients:
                client.sendall(ASKED)
            for client in clients:
                if not client.recv(65536):
                    raise Failed("rpx has closed a connection")
            count += connections
            counted.seek(0)
            counted.write(count.to_bytes(8, "little"))
            due = max(due + step, time.perf_counter() - 0.1)
            time.sleep(max(0.0, due - time.perf_counter()))


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {"watched": watched}

if __name__ == "__main__":
    ask(*json.loads(sys.argv[1]))
