"""`rpx requests`, `rpx request` and `rpx replay`, of a real project."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import Any

import httpx
import pytest

from tests.support.project import Project, free_ports

pytestmark = pytest.mark.real

# The keys that are promised; there may be more behind them.
ROW = (
    *("id", "time", "method", "host", "path", "query", "route", "status", "ms", "held_ms"),
    *("bytes_in", "bytes_out", "client", "protocol", "backend", "tries"),
)


def test_what_went_through_is_shown_copied_and_sent_again(project: Project) -> None:
    (port,) = project.copies(1, "requests: {bodies: 64kb, redact: [X-Key]}\n")
    with project.up():
        assert project.get("api.localhost", "/x?a=b", headers={"X-Key": "k1"}).status_code == 200
        following = project.begin("requests", "-f")
        (row,) = rows(project.rpx("requests", "path:/x", "--json").stdout)
        assert tuple(row)[: len(ROW)] == ROW
        assert (row["path"], row["query"], row["status"]) == ("/x", "a=b", 200)
        assert row["backend"] == f"localhost:{port}"
        told = json.loads(project.rpx("request", row["id"], "--json").stdout)
        assert {**row, **told} == told
        assert ["x-key", "•••"] in [
            [name.lower(), value] for name, value in told["request"]["headers"]
        ]
        assert {"backend", "pid", "outcome"} <= set(told["tried"][0])
        assert told["tried"][0]["outcome"] == "answered 200"
        assert rows(project.rpx("requests", "-path:/x", "status:2xx", "--json").stdout) == []

        curl = project.rpx("request", row["id"], "--curl", "--secrets").stdout
        if shutil.which("curl"):
            done = subprocess.run(["sh", "-c", curl], capture_output=True, timeout=30, check=True)
            before, now = json.loads(told["response"]["body"]), json.loads(done.stdout)
            assert {**before, "headers": 0} == {**now, "headers": 0}
            assert ["X-Key", "k1"] in now["headers"]
        har = json.loads(project.rpx("request", row["id"], "--har").stdout)["log"]
        assert har["version"] == "1.2"
        assert har["entries"][0]["request"]["queryString"] == [{"name": "a", "value": "b"}]

        again = project.rpx("replay", row["id"], "--to", str(port), "--times", "2", "--json")
        assert [each["status"] for each in json.loads(again.stdout)] == [200, 200]
        url = f"http://127.0.0.1:{project.http_port}/echo"
        there = {"Host": "api.localhost"}
        assert httpx.post(url, headers=there, content=b"v", trust_env=False).text == "v"
        (sent,) = rows(project.rpx("requests", "method:POST", "--json").stdout)
        assert "--yes" in project.rpx("replay", sent["id"]).stderr
        again = project.rpx("replay", sent["id"], "--yes", "--json")
        assert [each["differs"] for each in json.loads(again.stdout)] == [[]]
        with socket.create_connection(("127.0.0.1", project.http_port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            page = client.makefile().read()
        named = page.rpartition("request: ")[2].strip()
        refused = json.loads(project.rpx("request", named, "--json").stdout)
        assert (refused["id"], refused["status"], refused["backend"]) == (named, 400, None)
        assert project.rpx("request", "9999").returncode == 2
        assert "is not a filter word" in project.rpx("requests", "statsu:5xx").stderr
        assert project.rpx("down").returncode == 0
        said, complained = following.communicate(timeout=30)  # also if it is started anew at once
        assert (following.returncode, complained) == (0, "rpx: the project has ended\n")
    assert "api.localhost/echo" in said


def test_each_way_to_be_answered_is_remembered_as_what_it_was(project: Project) -> None:
    """Files, a redirect, a fixed answer, a route, an event stream, and by a port for services."""
    web, api = free_ports(2)
    public = project.folder / "public"
    public.mkdir()
    (public / "a.txt").write_text("0123456789")
    project.write(
        "name: shop\nlisten: {http_port: HTTP_PORT}\nproxies:\n"
        f"  - to: web.localhost\n    from: localhost:{web}\n    start: PYTHON APPS/ok.py\n"
        "    routes:\n"
        "      - {name: assets, path: /assets/*, static: ./public}\n"
        "      - {name: old, path: /old/*, redirect: /new/$1}\n"
        "      - {name: health, path: /health, respond: fine}\n"
        "      - {name: api, path: /api/*, strip_prefix: /api, proxy: other}\n"
        f"  - {{to: other.localhost, from: localhost:{api}, start: PYTHON APPS/ok.py}}\n"
    )
    with project.up():
        inlet = project.ps()[0]["internal_url"]
        asked = {
            "whole": ("/assets/a.txt", {}),
            "part": ("/assets/a.txt", {"Range": "bytes=2-4"}),
            "none": ("/assets/b.txt", {}),
            "moved": ("/old/x", {}),
            "fixed": ("/health", {}),
            "routed": ("/api/x?a=b", {}),
            "events": ("/sse?n=2", {}),
        }
        for id_, (path, headers) in asked.items():
            project.get("web.localhost", path, headers={"X-Request-Id": id_, **headers})
        httpx.get(f"{inlet}/", headers={"X-Request-Id": "inlet"}, trust_env=False)
        found = {row["request_id"]: row for row in rows(project.rpx("requests", "--json").stdout)}
        plain, elsewhere = f"localhost:{web}", f"localhost:{api}"
        assert {
            id_: (row["route"], row["status"], row["backend"], row["bytes_out"])
            for id_, row in found.items()
            if id_ in asked and row["backend"] is None
        } == {
            "whole": ("assets", 200, None, 10),
            "part": ("assets", 206, None, 3),
            "none": ("assets", 404, None, found["none"]["bytes_out"]),
            "moved": ("old", 302, None, found["moved"]["bytes_out"]),
            "fixed": ("health", 200, None, 4),
        }
        assert (found["routed"]["route"], found["routed"]["backend"]) == ("api", elsewhere)
        assert (found["routed"]["path"], found["routed"]["query"]) == ("/api/x", "a=b")
        assert (found["events"]["route"], found["events"]["backend"]) == (None, plain)
        assert found["events"]["type"].startswith("text/event-stream")
        assert found["events"]["bytes_out"] == len("id: 0\ndata: tick\n\n") * 2
        assert (found["inlet"]["backend"], found["inlet"]["status"]) == (plain, 200)
        assert {row["protocol"] for row in found.values()} == {"HTTP/1.1"}
        hosts = {row["host"].partition(":")[0] for row in found.values()}
        assert hosts == {"web.localhost"}  # also by the port that is for services
        assert {row["tries"] for row in found.values() if row["backend"]} == {1}
        assert not any(row["under_way"] for row in found.values())
        told = json.loads(project.rpx("request", found["moved"]["id"], "--json").stdout)
        assert ["location", "/new/x"] in [
            [name.lower(), value] for name, value in told["response"]["headers"]
        ]


def rows(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)
    return found
