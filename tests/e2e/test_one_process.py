"""`instances: 1`: one process listens on every address of its entry."""

from __future__ import annotations

import pytest

from tests.support.project import Project, free_ports

pytestmark = pytest.mark.real

APP = """\
import os, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Backend(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.server.server_port} {os.getpid()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

for port in sys.argv[1:]:
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Backend)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
thread.join()  # Python 3.12 starts no thread for a request once the first one has ended
"""


def test_all_addresses_are_one_process_that_is_ended_and_started_once(project: Project) -> None:
    first, second = map(str, free_ports(2))
    (project.folder / "app.py").write_text(APP)
    project.write(
        """
        listen: {http_port: HTTP_PORT}
        from: [localhost:FIRST, localhost:SECOND]
        to: api.localhost
        start: exec PYTHON app.py FIRST SECOND
        instances: 1
        """,
        FIRST=first,
        SECOND=second,
    )
    with project.up():

        def heard() -> set[tuple[str, str]]:
            answers = [project.get("api.localhost") for _ in range(4)]
            assert {answer.status_code for answer in answers} == {200}
            return {(port, pid) for port, pid in (answer.text.split() for answer in answers)}

        before = heard()
        (pid,) = {pid for _, pid in before}
        assert {port for port, _ in before} == {first, second}
        assert {str(row["pid"]) for row in project.ps()} == {pid}

        killed = project.rpx("kill-backend", second)  # an address that the process serves, too
        assert f"SIGKILL to pid {pid}" in killed.stdout
        (reborn,) = {pid for _, pid in heard()}
        assert reborn != pid

        restarted = project.rpx("restart", "api")
        assert restarted.stdout.count("restarted") == 1
        (last,) = {pid for _, pid in heard()}
        assert last != reborn

        assert project.rpx("stop", second).returncode == 0
        assert set(project.states().values()) == {"stopped"}


def test_two_hosts_have_one_process_and_requests_to_both_wait_for_it(project: Project) -> None:
    (port,) = map(str, free_ports(1))
    (project.folder / "app.py").write_text(APP)
    project.write(
        """
        listen: {http_port: HTTP_PORT}
        proxies:
          - {to: "*.shop.localhost", name: tenants, from: localhost:PORT}
          - {to: shop.localhost, from: 127.0.0.1:PORT, start: exec PYTHON app.py PORT}
        processes: {job: {command: sleep 60, depends_on: {tenants: {condition: started}}}}
        """,
        PORT=port,
    )
    hosts = ("shop.localhost", "one.shop.localhost")
    with project.up("job"):  # with what it needs, and whose process that is
        (pid,) = {project.get(host).text.split()[1] for host in hosts}
        assert [row["pid"] for row in project.ps()[:2]] == [int(pid)] * 2
        assert [row["served_by"] for row in project.ps()] == [f"shop:{port}", None, None]
        assert project.states()["job"] == "ready"
        for order in (("kill-backend", port), ("restart", "tenants"), ("kill-backend", port)):
            assert project.rpx(*order).returncode == 0
            answers = [project.get(host) for host in reversed(hosts)]
            assert [answer.status_code for answer in answers] == [200, 200]
            (now,) = {answer.text.split()[1] for answer in answers}
            assert now != pid
            pid = now
