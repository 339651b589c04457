"""The dashboard of a real project: where it is, and what it lets one do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, urlsplit

import httpx
import pytest

from tests.support.project import Project, until

pytestmark = pytest.mark.real


@contextmanager
def browser(project: Project, url: str) -> Iterator[tuple[httpx.Client, str]]:
    """A client that has opened a link, as httpx resolves no names of its own; and what it says."""
    place = urlsplit(url)
    base, host = f"http://127.0.0.1:{project.http_port}", {"host": place.netloc}
    with httpx.Client(base_url=base, headers=host) as http:
        yield http, let_in(http, place)


def let_in(http: httpx.Client, place: SplitResult) -> str:
    """Have a client take the cookie; return what the page says with changes."""
    opened = http.get(f"{place.path}?{place.query}")
    assert opened.status_code == 303
    name, _, value = opened.headers["set-cookie"].partition(";")[0].partition("=")
    http.headers["cookie"] = f"{name}={value}"
    csrf = re.search(r'name="rpx-csrf" content="([^"]+)"', http.get("/").text)
    assert csrf
    return csrf[1]


def test_the_dashboard_shows_and_steers_a_project(project: Project) -> None:
    project.copies(2, "processes: {worker: {command: sleep 1000}}\n")
    with project.up():
        assert "dashboard at http" in project.until_said("dashboard at")
        url = project.rpx("open", "--dashboard", "--print").stdout.strip()
        with browser(project, url) as (http, csrf):
            rows = http.get("/api/v1/ps").json()
            assert [row["pid"] for row in rows] == [row["pid"] for row in project.ps()]
            assert http.get("/", headers={"cookie": ""}).status_code == 401
            said = {"x-rpx-csrf": csrf}
            [done] = http.post(
                "/api/v1/orders/restart", headers=said, json={"names": ["worker"]}
            ).json()
            assert done["pid"] != done["pid_before"]
            with http.stream("GET", "/api/live", headers=said) as live:
                lines = live.iter_lines()
                assert next(lines) == "event: ps"
                shown = json.loads(next(lines).removeprefix("data: "))
                assert shown["order"] == [row["label"] for row in rows]
                assert shown["set"]["worker"]["pid"] == done["pid"]
                seen = next(line for line in lines if line.startswith("id: ")).removeprefix("id: ")
            http.post("/api/v1/orders/stop", headers=said, json={"names": ["worker"]})
            with http.stream("GET", f"/api/live?after={seen}", headers=said) as live:
                lines = live.iter_lines()
                assert "event: ps" in lines  # it goes on where it was, and reads on behind that
                told = json.loads(next(lines).removeprefix("data: "))
                assert ("order" in told, told["set"]["worker"]["state"]) == (False, "stopped")
            assert project.get("api.localhost").status_code == 200
            drill(http, said)
            head = http.head("/")
            assert (head.status_code, head.content) == (200, b"")
            large = http.post("/api/v1/scale", headers=said, content=b" " * 70_000)
            assert large.status_code == 413
        project.rpx("down")


def drill(http: httpx.Client, said: dict[str, str]) -> None:
    """Have a drill run to its end, and look at its report."""
    assert http.post("/api/v1/drills", json={"service": "api"}).status_code == 403
    refused = http.post("/api/v1/drills", headers=said, json={"service": "worker"}).json()
    assert "`worker` gets no requests" in refused["error"]["what"]
    body = {"service": "api", "rate": 50, "duration": 1}
    begun = http.post("/api/v1/drills", headers=said, json=body).json()
    assert begun["command"] == "rpx drill api --rate 50 --duration 1s"
    second = http.post("/api/v1/drills", headers=said, json=body)
    assert second.status_code == 409
    [over] = until(
        lambda: (all_ := http.get("/api/v1/drills").json())[0]["state"] != "running" and all_, "it"
    )
    assert (over["state"], over["report"]["requests"]["sent"]) == ("passed", 50)
    assert len(over["report"]["timeline"]) == 60


def test_without_a_door_it_is_at_rpx_localhost_and_does_not_hold_up_the_end(
    project: Project,
) -> None:
    project.write(
        "listen: {http_port: HTTP_PORT, door: false}\n"
        "proxies: [{to: '*', start: PYTHON APPS/ok.py}]"
    )
    with project.up():
        url = project.rpx("open", "--dashboard", "--print").stdout.strip()
        assert url.startswith(f"http://rpx.localhost:{project.http_port}/?token=")
        with (
            browser(project, url) as (http, csrf),
            http.stream("GET", "/api/live", headers={"x-rpx-csrf": csrf}) as live,
        ):
            lines = live.iter_lines()
            next(lines)
            project.rpx("down")
            assert until(lambda: "event: end" in next(lines, "event: end"), "the end of the stream")


def test_a_project_without_a_dashboard_says_how_to_have_one(project: Project) -> None:
    project.copies(1, "dashboard: false\n")
    with project.up():
        done = project.rpx("open", "--dashboard")
        assert done.returncode == 1
        assert "this project has no dashboard" in done.stderr
        assert project.get("shop.rpx.localhost").status_code == 404
