"""rpx is suspended for a while: nobody is killed for what could not be seen."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.support.project import Project, free_ports, supervisor, until

pytestmark = pytest.mark.real
APP = """\
print("begun", flush=True)
import http.server, os, sys, time
time.sleep(1)
if len(sys.argv) > 1:
    print("I am here", flush=True)
    time.sleep(1000)
where = "127.0.0.1", int(os.environ["PORT"])
http.server.HTTPServer(where, http.server.BaseHTTPRequestHandler).serve_forever()
"""


def test_who_became_ready_while_rpx_was_suspended_is_not_killed_for_it(project: Project) -> None:
    (project.folder / "app.py").write_text(APP)
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: api.localhost, from: localhost:BACKEND,\n"
        "     start: {command: exec PYTHON app.py, restart: 'no', ready: {timeout: 2s}}}\n"
        "processes:\n"
        "  said:\n"
        "    {command: exec PYTHON app.py x, restart: 'no', ready: {log: here, timeout: 2s}}\n",
        BACKEND=str(port),
    )
    with project.up(ready=False) as up:
        until(lambda: project.said().count("| begun") == 2, "begun")
        us = supervisor(up)
        os.kill(us.pid, signal.SIGSTOP)
        time.sleep(2.5)  # longer than it may take
        os.kill(us.pid, signal.SIGCONT)
        until(project.all_ready, "ready")
        assert "not ready" not in project.said()
