"""docs/troubleshooting.md quotes what rpx says: here it says it, in the situation of each."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.support.project import Project, free_ports, until

pytestmark = pytest.mark.real

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()


class Quoted:
    """The sentences of the page that one section has in code."""

    def __init__(self, heading: str) -> None:
        self.text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]

    def is_said(self, quotation: str, in_: str, **instead: object) -> None:
        """Assert that the page quotes it, and rpx says it with the names that stand `instead`."""
        assert quotation in self.text, f"the page doesn't have {quotation!r}"
        for name, value in instead.items():
            quotation = quotation.replace(name, str(value))
        pattern = ".*".join(re.escape(part) for part in quotation.split("…"))
        assert re.search(pattern, in_, re.DOTALL), f"{quotation!r} is not in:\n{in_}"


def test_what_the_page_quotes_of_services_is_what_rpx_says_of_such(project: Project) -> None:
    crash, away, sick, daemon = free_ports(4)
    (project.folder / "hang_up.py").write_text(
        "import os, socket\n"
        "server = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
        "while True:\n"
        "    server.accept()[0].close()\n"
    )
    project.write(
        "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: rude.localhost, start: PYTHON hang_up.py}\n"
        f"  - {{to: away.localhost, from: {away}}}\n"
        f"  - to: crash.localhost\n    from: {crash}\n"
        "    start: {command: exit 3, restart: {max_restarts: 1}}\n"
        f"  - to: sick.localhost\n    from: {sick}\n    hold: 100ms\n"
        "    start: PYTHON -m http.server $PORT\n"
        "    health_check: {path: /health}\n"
        f"  - {{to: daemon.localhost, from: {daemon}, start: 'sleep 100 & exit 0'}}\n"
        "processes:\n"
        "  waits: {command: sleep 100, depends_on: [crash]}\n"
        "  stubborn:\n"
        "    command: trap '' TERM; while :; do sleep 1; done\n"
        "    stop_grace_period: 100ms\n"
    )
    with project.up(ready=False):
        settled = {"crash": "failed", "daemon": "completed", "stubborn": "ready"}

        def states() -> dict[str, str]:
            return {label.partition(":")[0]: state for label, state in project.states().items()}

        until(lambda: settled.items() <= states().items(), "each has come to what it comes to")
        text = {"Accept": "text/plain"}
        page = Quoted("502 Bad Gateway")
        rude, gone = (project.get(f"{name}.localhost", headers=text) for name in ("rude", "away"))
        assert (rude.status_code, gone.status_code) == (502, 502)
        page.is_said("closed the connection before it answered", rude.text)
        page.is_said("connection refused", gone.text)
        page.is_said("unhealthy (external)", gone.text)

        page = Quoted("503 Service Unavailable")
        refused = project.get("crash.localhost", headers=text)
        assert refused.status_code == 503
        page.is_said(
            "exited with status 3; 5 restarts within 60 s, rpx gave up",
            refused.text,
            **{"5 restarts": "1 restart"},
        )

        page = Quoted("Not ready")
        page.is_said("it has not shown yet that it is ready: …", project.rpx("why", "sick").stdout)
        page.is_said(
            "GET /health (403 Forbidden to rpx's own GET /health with Host localhost:3000)",
            project.rpx("why", "sick").stdout,
            **{"403 Forbidden": "404 …", "3000": sick},
        )
        page.is_said("waits does not start: it waits for crash (failed: …)", project.said())
        page = Quoted("It ends at once")
        page.is_said(
            "it left 1 process behind (…), ended: run it in the foreground", project.said()
        )

        project.rpx("stop", "stubborn")
        Quoted("It does not stop").is_said("stopped: killed by SIGKILL", project.said())
        unknown = project.get("nobody.localhost", headers=text)
        assert unknown.status_code == 404


def test_what_the_page_quotes_of_mistakes_is_what_rpx_says_of_such(project: Project) -> None:
    (port,) = free_ports(1)
    project.write("proxies:\n  - {to: a.localhost, start: no-such-program --x}\n")
    quoted = Quoted("It ends at once")
    quoted.is_said(
        "error: the command of `a` does not exist: `npm`",
        project.rpx("up").stderr,
        npm="no-such-program",
    )
    with socket.create_server(("127.0.0.1", port)):
        project.write(
            f"proxies:\n  - {{to: api.localhost, from: {port}, start: PYTHON APPS/ok.py}}\n"
        )
        Quoted("A port is taken").is_said(
            "the port of `api:3000`, 3000, is taken by",
            project.rpx("up").stderr,
            **{"3000": port},
        )
    (project.folder / "rpx.yaml").unlink()
    said = project.rpx("up").stderr
    Quoted("rpx itself").is_said("no rpx.yaml in … or in any folder above it", said)
    Quoted("rpx itself").is_said("nothing runs here", project.rpx("ps").stderr)
