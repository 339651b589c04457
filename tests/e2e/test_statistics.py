"""The figures of rpx beside what real clients have counted, with backends killed in the middle."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from tests.support.project import SOON, Process, Project, free_ports, until

pytestmark = pytest.mark.real

# Says in each answer who it is; head and body in one piece, so that a kill never falls between.
BACKEND = """\
import os, signal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ["PORT"])

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/kill":
            os.kill(os.getpid(), signal.SIGKILL)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        head = "HTTP/1.1 %s Fine\\r\\nX-Port: %d\\r\\nContent-Length: 2\\r\\n\\r\\nok"
        self.wfile.write((head % (self.path[1:], PORT)).encode())
    do_POST = do_PUT = do_GET
    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
"""
YAML = """
listen: {http_port: HTTP_PORT}
proxies:
  - to: api.localhost
    from: [localhost:PORT_A, localhost:PORT_B, localhost:PORT_C]
    start: {command: PYTHON backend.py, restart: {policy: always, max_restarts: 100}}
"""
REQUESTS = [
    *[("GET", "/200"), ("GET", "/404"), ("POST", "/200"), ("GET", "/503"), ("PUT", "/501")],
    *[("GET", "/301"), ("POST", "/404"), ("GET", "/200")],
]


class Clients:
    """Real clients that note the status of each answer, and who gave it."""

    def __init__(self, port: int, count: int) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()  # (backend or rpx, status)
        self.lost: list[str] = []
        self.stop = threading.Event()
        self._port = port
        self._lock = threading.Lock()
        self.threads = [threading.Thread(target=self._ask_on) for _ in range(count)]

    def _ask_on(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        while not self.stop.is_set():
            for method, path in REQUESTS:
                body = b"x" * 100 if method == "POST" else None
                try:
                    connection.request(method, path, body, {"Host": "api.localhost"})
                    answer = connection.getresponse()
                    answer.read()
                except (OSError, http.client.HTTPException) as error:
                    self.lost.append(repr(error))
                    connection.close()
                    continue
                port = answer.headers.get("X-Port")
                with self._lock:
                    self.statuses[f"localhost:{port}" if port else "rpx", answer.status] += 1
        connection.close()

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    def until(self, more: int) -> None:
        target = self.total + more
        until(lambda: self.total >= target, f"{more} more answers")


def kill(port: int) -> None:
    """Have a backend killed, unless it is not back since the last time."""
    with socket.socket() as sock, suppress(OSError):
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"GET /kill HTTP/1.1\r\n\r\n")
        sock.recv(1)


def test_sums_are_what_clients_have_counted_with_kills_in_the_middle(project: Project) -> None:
    ports = free_ports(3)
    (project.folder / "backend.py").write_text(BACKEND)
    project.write(YAML, **{f"PORT_{x}": str(port) for x, port in zip("ABC", ports, strict=True)})
    with project.up():
        clients = Clients(project.http_port, 8)
        for thread in clients.threads:
            thread.start()
        try:
            for turn in range(6):
                clients.until(150)
                for port in ports[turn % 2 :]:  # two or all three of them
                    kill(port)
            clients.until(300)
        finally:
            clients.stop.set()
            for thread in clients.threads:
                thread.join(30)
        stats = json.loads(project.rpx("stats", "--json").stdout)["api.localhost"]
    assert not clients.lost
    assert sum(row["requests"] for row in stats.values()) == clients.total
    for name in [*(f"localhost:{port}" for port in ports), "rpx"]:
        mine = {s: n for (who, s), n in clients.statuses.items() if who == name}
        row = stats.get(name)
        assert (row is None) == (not mine)
        if row is not None:
            assert row["requests"] == sum(mine.values())
            for kind, count in row["statuses"].items():
                assert count == sum(n for s, n in mine.items() if s // 100 == int(kind[0]))
    assert sum(row["retries"] for row in stats.values()) > 0  # the kills have been felt
    assert all(row["inFlight"] == 0 for row in stats.values())


def test_watching_ends_with_the_project_or_with_ctrl_c(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\nstart: PYTHON APPS/ok.py",
        PORT_A=str(port),
    )
    terminal, theirs = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    project.environment["TERM"] = "xterm"
    assert project.rpx("stats", "--watch").returncode == 3
    with project.up():
        lines = watch(project, "--json")
        plain = watch(project)
        in_place = watch(project, stdout=theirs)
        os.close(theirs)
        first = read_line(lines)["api.localhost"][f"localhost:{port}"]
        assert (first["requests"], first["rates"]) == (0, None)
        for _ in range(5):
            project.get("api.localhost")
        second = read_line(lines)["api.localhost"][f"localhost:{port}"]
        while second["requests"] < 5:
            second = read_line(lines)["api.localhost"][f"localhost:{port}"]
        assert second["rates"]["requests"] > 0
        lines.send_signal(signal.SIGINT)
        assert (lines.communicate(timeout=SOON)[1], lines.returncode) == (b"", 130)
        drawn = read_until(terminal, b"api.localhost", times=2)
        assert b"\x1b[" in drawn.split(b"api.localhost")[1]  # it went back to where it began
        assert b"/S" in drawn
        assert project.rpx("down").returncode == 0
        for watcher in (plain, in_place):
            said = watcher.communicate(timeout=SOON)[1]
            assert (watcher.returncode, said) == (0, b"rpx: the project has ended\n")
    os.close(terminal)


def watch(project: Project, *options: str, stdout: int = subprocess.PIPE) -> Process:
    return project.begin("stats", "--watch", *options, stdout=stdout, text=False)


def read_line(process: Process) -> dict[str, dict[str, dict[str, Any]]]:
    assert process.stdout is not None
    line: dict[str, dict[str, dict[str, Any]]] = json.loads(process.stdout.readline())
    return line


def read_until(fd: int, text: bytes, *, times: int) -> bytes:
    found = b""
    while found.count(text) < times:
        assert select.select([fd], [], [], 20)[0], found
        found += os.read(fd, 65536)
    return found
