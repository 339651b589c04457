"""`rpx requests`, `rpx request` and `rpx replay`, of a real project."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import Any

import httpx
import pytest

from tests.support.project import Project

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


def rows(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)
    return found
