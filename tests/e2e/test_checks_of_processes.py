"""Health checks by command and by port, of processes and of copies, and a GET by another name."""

from __future__ import annotations

import json

import psutil
import pytest

from tests.support.project import Project, free_ports, until

pytestmark = pytest.mark.real
SERVER = """\
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.headers["Host"] == "shop.test" and self.headers["X-Check"] == "7"
        known = known or self.path == "/ready"
        self.send_response(200 if known else 400)
        self.end_headers()
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
LISTENS = """\
import os, socket, sys, time
while not os.path.exists("open"): time.sleep(0.02)
sock = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while os.path.exists("open"): time.sleep(0.02)
sock.close()
time.sleep(1000)
"""
# Each check of a copy leaves its PORT, and a child that would go on for ever.
SHOP = """
listen: {http_port: HTTP_PORT}
proxies:
  - to: api.localhost
    from: [ONE, TWO]
    start: PYTHON APPS/ok.py
    health_check:
      command: "echo $PORT $RPX_NAME >> asked; sleep 1000 & test ! -e sick-$PORT"
      interval: 200
  - to: web.localhost
    from: THREE
    start: PYTHON server.py
    health_check: {path: /, host: shop.test, headers: {X-Check: 7}, interval: 200}
    depends_on: [db]
processes:
  db:
    command: "echo $$ >> db; exec sleep 1000"
    cwd: data
    env: {WELL: well}
    health_check: {command: "test -e $WELL || { echo not $WELL yet; exit 3; }", interval: 200}
  page:
    command: exec PYTHON ../server.py
    cwd: data
    ports: "auto:80"
    ready: {http: /ready}
    health_check: {path: /, host: shop.test, headers: {X-Check: 7}, interval: 200}
  queue:
    command: [PYTHON, ../listens.py, "FOUR"]
    cwd: data
    health_check: {tcp: FOUR, interval: 200}
"""


def test_checks_by_command_and_port_go_on_and_decide(project: Project) -> None:
    one, two, three, four = map(str, free_ports(4))
    data = project.folder / "data"
    data.mkdir()
    (project.folder / "server.py").write_text(SERVER)
    (project.folder / "listens.py").write_text(LISTENS)
    project.write(SHOP, ONE=one, TWO=two, THREE=three, FOUR=four)
    with project.up(ready=False):
        until(lambda: project.states().get(f"api:{two}") == "ready", "a copy is ready")
        until(lambda: _why(project, "db")["last_error"], "the check of db has failed")
        states = project.states()
        assert (states["db"], states["queue"]) == ("starting", "starting")
        assert states[f"web:{three}"] == "waiting"
        why = _why(project, "db")
        assert why["last_error"] == "exited with status 3: not well yet"
        assert "it has not shown yet that it is ready: success of `test -e $WELL" in why["because"]
        (data / "well").touch()
        (data / "open").touch()
        project.until_ready()  # with what depends on it: also the GET by another name
        assert _why(project, "queue")["because"] == "its health checks pass"
        asked = (project.folder / "asked").read_text().splitlines()
        assert {f"{one} api", f"{two} api"} == set(asked)

        (project.folder / f"sick-{one}").touch()
        until(lambda: project.states()[f"api:{one}"] == "unhealthy", "one copy is sick")
        assert project.states()[f"api:{two}"] == "ready"
        assert project.get("api.localhost").status_code == 200
        (project.folder / f"sick-{one}").unlink()

        first = (data / "db").read_text()
        (data / "well").unlink()
        until(lambda: (data / "db").read_text() != first, "db was replaced")
        (data / "well").touch()
        project.until_ready()
        (data / "open").unlink()
        project.until_said("queue unhealthy: connection refused")
        project.until_said("queue to be replaced: stayed unhealthy")
        (data / "open").touch()
        project.until_ready()
    sleepers = [each for each in psutil.process_iter(["cmdline"]) if _is_left(each, project)]
    assert not sleepers


def _is_left(process: psutil.Process, project: Project) -> bool:
    try:
        return process.info["cmdline"] == ["sleep", "1000"] and process.cwd().startswith(
            str(project.folder)
        )
    except psutil.Error:
        return False


def _why(project: Project, name: str) -> dict[str, str]:
    done = project.rpx("why", name, "--json")
    [found] = json.loads(done.stdout)
    return dict(found)
