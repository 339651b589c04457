"""Who is back is noticed at once: by how long requests wait, with real processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.project import Project, free_ports, until

pytestmark = pytest.mark.real
TRIES = 6  # a busy machine may be late now and then, not every time
APP = """\
import os, socket, sys, threading
def answer(peer):
    while peer.recv(65536):
        body = str(os.getpid()).encode()
        peer.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%b" % (len(body), body))
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=64)
while True:
    threading.Thread(target=answer, args=listener.accept()[:1], daemon=True).start()
"""
# What nodemon and `node --watch` do when a file has been saved; here it is a signal.
TOOL = """\
import os, signal, subprocess, sys, time
def begin():
    return subprocess.Popen([sys.executable, "-I", "-S", "app.py", os.environ["PORT"]])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
child = begin()
signal.signal(signal.SIGTERM, lambda *_: (child.kill(), sys.exit(0)))
while True:
    signal.sigwait([signal.SIGUSR1])
    child.kill()
    child.wait()
    time.sleep(0.2)
    child = begin()
"""
CONFIG = """\
listen: {http_port: HTTP_PORT}
proxies:
  - {to: tool.localhost, from: FIRST, start: &tool
      {command: exec PYTHON -I -S tool.py, restart_on_unhealthy: false}}
  - {to: checked.localhost, from: SECOND, start: *tool, health_check: {path: /, interval: 1s}}
  - {to: killed.localhost, from: THIRD, start: exec PYTHON -I -S app.py $PORT,
     health_check: {path: /, interval: 1s}}
  - {to: away.localhost, from: FOURTH}
"""


def waited(project: Project, host: str, pid: int | None) -> float:
    """Return for how many seconds requests get no answer from another process than this."""
    began = time.monotonic()

    def another() -> bool:
        answer = project.get(host)
        return answer.status_code == 200 and int(answer.text) != pid

    until(another, f"{host} answers")
    return time.monotonic() - began


def begins(folder: Path) -> float:
    """Return how long a process takes on this machine, now, until it listens."""
    [port] = free_ports(1)
    began = time.monotonic()
    with outside(folder, port) as server:
        until(lambda: listens(port), "it listens")
        took = time.monotonic() - began
        server.kill()
    return took


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def within(seconds: float, once: Callable[[], float], folder: Path) -> None:
    """Try it until it takes no longer than this, on a machine that begins a process in no time.

    One that takes longer for that takes longer for all else, too.
    """
    took: list[tuple[float, float]] = []
    while not took or took[-1][0] >= seconds + 3 * took[-1][1]:
        assert len(took) < TRIES, f"it takes {took} s, of which a process takes the second"
        took.append((once(), begins(folder)))


def longest(project: Project, host: str, before: str) -> float:
    """Return how long a request waits at most until another process than `before` answers."""
    longest, now = 0.0, ""
    while now in ("", before):
        began = time.monotonic()
        now = project.get(host).text
        longest = max(longest, time.monotonic() - began)
    return longest


def outside(folder: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-S", "app.py", str(port)], cwd=folder)


def test_a_request_waits_hardly_longer_than_the_port_is_closed(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    (project.folder / "tool.py").write_text(TOOL)
    first, second, third, fourth = free_ports(4)
    project.write(
        CONFIG, FIRST=str(first), SECOND=str(second), THIRD=str(third), FOURTH=str(fourth)
    )
    with project.up(ready=False):
        own = ("tool", "checked", "killed")
        until(lambda: all(f"{name} is up at" in project.said() for name in own), "up")
        pids = {row["name"]: row["pid"] for row in project.ps()}

        def saved(name: str) -> float:
            before = int(project.get(f"{name}.localhost").text)
            os.kill(pids[name], signal.SIGUSR1)
            return waited(project, f"{name}.localhost", before)

        def killed() -> float:
            before = project.get("killed.localhost").text
            kill = project.begin("kill-backend", str(third))
            took = longest(project, "killed.localhost", before)
            kill.communicate()
            return took

        def begun_by_hand() -> float:
            assert project.get("away.localhost").status_code == 502
            with outside(project.folder, fourth) as server:
                took = waited(project, "away.localhost", None)
                project.until_said(f"away:{fourth} answers, in rotation")
                server.kill()
            return took

        for name in ("tool", "checked"):
            within(0.2 + 0.25, partial(saved, name), project.folder)  # 0.2 s it is closed
        within(0.25, killed, project.folder)
        said = project.until_said("does not answer (connection refused)")
        assert f"away:{fourth} does not answer" in said, "of them all the one that nobody starts"
        within(0.25, begun_by_hand, project.folder)
        assert project.said().count("does not answer (") == 1
