"""Requests go to a service's own process, wherever else somebody listens; and who does is said."""

from __future__ import annotations

import http.server
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from tests.support.project import SOON, Project, free_ports, until

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system shows no owners"),
]
APP = """\
import http.server, os, socket, sys, time
class Own(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"own")
    def log_message(self, *_):
        pass
host, port, delay = sys.argv[1:]
time.sleep(float(delay))
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = Server((host, int(port)), Own)
print("listening", flush=True)
server.serve_forever()
"""


class Stranger(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "8")
        self.end_headers()
        self.wfile.write(b"stranger")

    def log_message(self, *_: object) -> None:
        """Nobody wants to know."""


@contextmanager
def stranger(port: int) -> Iterator[None]:
    """Somebody who is no process of rpx's listens at 127.0.0.1."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_nobody_but_its_own_process_answers_for_a_service(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    twin, late, after, elsewhere, other = free_ports(5)
    project.write(
        "listen: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: twin.localhost, from: localhost:TWIN, start: 'exec PYTHON app.py ::1 $PORT 0'}\n"
        "  - {to: late.localhost, from: localhost:LATE, hold: 1s,\n"
        "     start: {command: 'exec PYTHON app.py 127.0.0.1 $PORT 2', restart: 'no'}}\n"
        "  - {to: after.localhost, from: localhost:AFTER, start: PYTHON app.py 127.0.0.1 $PORT 0,\n"
        "     depends_on: [late]}\n"
        "  - {to: web.localhost, from: localhost:ELSEWHERE, hold: 1s,\n"
        "     start: PYTHON app.py 127.0.0.1 OTHER 0}\n",
        TWIN=str(twin), LATE=str(late), AFTER=str(after), ELSEWHERE=str(elsewhere),
        OTHER=str(other),
    )  # fmt: skip
    with project.up(ready=False):
        project.until_said(f"late:{late} starting")
        with stranger(late):
            project.until_said("listening")
            said = project.until_said(f"web:{elsewhere} listens on")
            told = f"listens on 127.0.0.1:{other}, not on {elsewhere}: pass --port $PORT, or "
            told += f"write from: localhost:{other}"
            assert said.endswith(told)
            assert told in project.rpx("why", "web").stdout
            [why] = json.loads(project.rpx("why", "web", "--json").stdout)
            assert why["last_error"] == told
            assert told in project.get("web.localhost").text

            failed = project.until_said(f"error: backend `late:{late}`")
            assert "exited with status 1 (127.0.0.1:" in failed
            assert f"(pid {os.getpid()})" in failed
            assert "belongs to" in project.get("late.localhost").text
            assert f"after:{after} starting" not in project.said(), "what depends on it waits"

        project.until_said(f"twin:{twin} ready")
        answers: Counter[str] = Counter()
        with stranger(twin):
            pids = set()
            for _ in range(2):
                pid = next(row["pid"] for row in project.ps() if row["name"] == "twin")
                os.kill(pid, signal.SIGKILL)
                pids.add(pid)
                for _ in range(10):
                    answers[project.get("twin.localhost").text] += 1
            row = until(lambda: _ready(project, "twin"), "twin is back")
            assert row["pid"] not in pids
            answers[project.get("twin.localhost").text] += 1
        assert answers == {"own": 21}


def test_a_port_that_moves_or_is_forgotten_later_is_named_too(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    moved, other, first, second = free_ports(4)
    project.write(
        "listen: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: moved.localhost, from: localhost:MOVED, hold: 0,\n"
        "     start: {restart: 'no', command:\n"  # nor is it replaced while a look takes its time
        "     'PYTHON app.py 127.0.0.1 $PORT 0; exec PYTHON app.py 127.0.0.1 OTHER 0'}}\n"
        "  - {to: pair.localhost, from: [localhost:FIRST, localhost:SECOND],\n"
        "     start: {command: PYTHON app.py 127.0.0.1 $PORT 0, instances: 1}}\n",
        MOVED=str(moved), OTHER=str(other), FIRST=str(first), SECOND=str(second),
    )  # fmt: skip
    with project.up(ready=False):
        forgotten = f"listens on 127.0.0.1:{first}, not on {second}: "
        assert forgotten in project.until_said(f"pair:{second} listens on")
        project.until_said(f"moved:{moved} ready")
        [row] = (row for row in project.ps() if row["name"] == "moved")
        [server] = psutil.Process(row["pid"]).children()
        server.kill()
        server.wait(SOON)  # until then a connection may be made that breaks: that isn't nobody
        assert project.get("moved.localhost").status_code == 502
        told = f"listens on 127.0.0.1:{other}, not on {moved}: pass --port $PORT, or"
        assert told in project.until_said(f"moved:{moved} listens on")
        assert told in project.get("moved.localhost").text
        errors = {row["label"]: row["last_error"] for row in project.ps()}
        assert errors[f"moved:{moved}"].startswith(told)
        assert errors[f"pair:{second}"].startswith(forgotten)


def _ready(project: Project, name: str) -> dict[str, object]:
    return next((r for r in project.ps() if r["name"] == name and r["state"] == "ready"), {})


def test_a_port_that_shows_readiness_is_refused_when_somebody_has_it(project: Project) -> None:
    [taken] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "processes: {db: {command: touch begun; sleep 100, ready: {tcp: TAKEN}}}",
        TAKEN=str(taken),
    )
    with stranger(taken):
        done = project.rpx("up")
    assert done.returncode == 1
    assert f"the `ready.tcp` port of `db`, {taken}, is taken by `" in done.stderr
    assert f"(pid {os.getpid()})" in done.stderr
    assert not (project.folder / "begun").exists()


def test_while_a_service_is_stopped_its_requests_go_to_who_stands_in(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "to: api.localhost\nfrom: localhost:BACKEND\nhold: 0\n"
        "health_check: {interval: 200ms}\nstart: exec PYTHON app.py 127.0.0.1 $PORT 0\n",
        BACKEND=str(port),
    )

    def answer() -> str:
        found = project.get("api.localhost")
        return found.text if found.status_code == 200 else str(found.status_code)

    with project.up():
        assert answer() == "own"
        assert project.rpx("stop", "api").returncode == 0
        assert answer() == "503"
        with stranger(port):
            project.until_said(f"api:{port} stopped, but another process listens at its address")
            assert answer() == "stranger"
            [row] = project.ps()
            assert (row["state"], row["pid"], row["in_rotation"]) == ("stopped", None, True)
            assert project.rpx("pause-backend", "api").returncode == 0
            assert answer() == "503"
            assert project.rpx("resume-backend", "api").returncode == 0
            until(lambda: answer() == "stranger", "in rotation again")
        assert answer() == "502", "this request has noticed it"
        project.until_said(f"api:{port} stopped, and nothing listens at its address any more")
        assert answer() == "503"
        assert project.rpx("start", "api").returncode == 0
        assert answer() == "own"
