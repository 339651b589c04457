"""Services that speak TLS, run and asked by a real rpx."""

from __future__ import annotations

import pytest

from tests.support.project import Project, free_ports, until
from tests.support.tls import Authority

pytestmark = [pytest.mark.real, pytest.mark.smoke]


def test_services_behind_tls_are_checked_asked_and_replaced(
    project: Project, authority: Authority
) -> None:
    good, bad = free_ports(2)
    project.write(
        f"""
listen: {{http_port: HTTP_PORT}}
proxies:
  - to: api.localhost
    from: {{url: "https://localhost:{good}", ca: {authority.file}}}
    start: {{command: PYTHON APPS/ok.py, env: {{TLS: {authority.issue()}}}}}
    health_check: {{path: /health, interval: 200ms}}
    change_origin: true
  - to: other.localhost
    from: https://localhost:{bad}
    start: {{command: PYTHON APPS/ok.py, env: {{TLS: {authority.issue(alone=True)}}}}}
    hold: 0s
"""
    )
    with project.up(ready=False):
        until(lambda: project.states().get(f"api:{good}") == "ready", "ready")
        seen = project.get("api.localhost", headers={"Origin": "http://api.localhost"}).json()
        assert dict(seen["headers"])["Host"] == f"localhost:{good}"
        assert dict(seen["headers"])["Origin"] == f"https://localhost:{good}"
        assert dict(seen["headers"])["X-Forwarded-Host"] == "api.localhost"

        done = project.rpx("kill-backend", "api")
        assert done.returncode == 0, done.stderr
        again = project.get("api.localhost")
        assert (again.status_code, again.json()["pid"] != seen["pid"]) == (200, True)

        why = "certificate verify failed: self-signed certificate"
        until(lambda: project.ps()[1]["last_error"] == why, "the reason")
        page = project.get("other.localhost", headers={"Accept": "text/plain"})
        assert page.status_code in {502, 503}
        assert f"last error: {why}" in page.text
        assert "hint: beside its `url` in rpx.yaml, `ca: FILE`" in page.text
