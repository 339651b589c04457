"""Services that listen at unix sockets: started, named, killed, checked like those with a port."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.project import Project, until

pytestmark = pytest.mark.real

TWO = """
name: shop
listen: {http_port: HTTP_PORT}
verbose: true
proxies:
  - to: api.localhost
    from: ["unix:run/one.sock", {url: "unix://FOLDER/run/two.sock"}]
    start: PYTHON APPS/ok.py
    health_check: {path: /health, interval: 200ms}
"""


@pytest.fixture
def pair(project: Project) -> Iterator[Project]:
    """A project of two services behind sockets, which an earlier run has left behind."""
    for name in ("one", "two"):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(project.folder / "run" / f"{name}.sock"))
    project.write(TWO, FOLDER=str(project.folder))
    with project.up():
        yield project


def answerer(project: Project) -> int:
    return int(project.get("api.localhost").json()["pid"])


def test_two_services_take_turns_are_named_by_their_index_and_checked(pair: Project) -> None:
    one, two = pair.ps()
    assert (one["backend"], one["port"], one["label"]) == ("unix:run/one.sock", None, "api:1")
    assert (two["backend"], two["label"]) == (f"unix:{pair.folder}/run/two.sock", "api:2")
    assert [answerer(pair) for _ in range(3)] == [one["pid"], two["pid"], one["pid"]]
    seen = pair.get("api.localhost").json()
    assert dict(seen["headers"])["X-Forwarded-For"] == "127.0.0.1"
    pair.until_said("[rpx] Request / → unix:run/one.sock")
    stats = json.loads(pair.rpx("stats", "--json").stdout)
    assert stats["api.localhost"]["unix:run/one.sock"]["requests"] == 2
    pair.get("api.localhost", "/fail")
    pair.until_said("api:1 unhealthy, out of rotation")


def test_a_killed_one_is_replaced_though_its_socket_stays_behind(pair: Project) -> None:
    first = pair.ps()[0]["pid"]
    done = pair.rpx("kill-backend", "unix:run/one.sock")
    assert done.stdout.startswith(f"api:1: SIGKILL to pid {first}, out of rotation"), done.stderr
    for _ in range(10):
        assert pair.get("api.localhost").status_code == 200
    until(lambda: pair.ps()[0]["state"] == "ready", "ready again")
    assert pair.ps()[0]["pid"] != first
    assert {answerer(pair), answerer(pair)} == {row["pid"] for row in pair.ps()}


def test_what_is_in_the_way_is_said_before_anything_starts(project: Project) -> None:
    project.write(TWO, FOLDER=str(project.folder))
    path = project.folder / "run" / "two.sock"
    path.write_text("precious")
    done = project.rpx("up")
    assert done.returncode == 1
    assert f"the socket of `api:2`, {path}, can't be had: it is no socket" in done.stderr
    assert path.read_text() == "precious"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        done = project.rpx("up")
        assert done.returncode == 1
        assert f"{path}, can't be had: another process listens there" in done.stderr
        assert path.is_socket()


def test_one_that_somebody_else_runs_joins_when_it_answers(project: Project) -> None:
    path = Path(os.path.relpath(project.folder)) / "run" / "api.sock"  # as short as the shell's
    project.write(
        "listen: {http_port: HTTP_PORT}\nproxies:\n"
        "  - {to: api.localhost, from: 'unix:run/api.sock'}\n"
    )
    with project.up(ready=False):
        until(project.ps, "running")
        answer = project.get("api.localhost", headers={"Accept": "text/plain"})
        assert answer.status_code == 502
        assert "its socket does not exist" in answer.text
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            until(project.all_ready, "it has joined")
