"""Ports of processes: others find them, commands know them, and who has one already is named."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from tests.support.project import Project, free_ports, until

pytestmark = pytest.mark.real
# Listens at PORT, by a child, and says there whom it is; whatever else is named is another socket.
DATABASE = """\
import os, socket, sys, time
if os.fork():
    os.wait()
    sys.exit(3)
more = [socket.create_server(("127.0.0.1", int(port))) for port in sys.argv[1:]]
server = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))
while True:
    client, _ = server.accept()
    client.sendall(f"{os.environ['RPX_NAME']} {os.getpid()}".encode())
    client.close()
"""
ASKS = """\
import os, socket
host, _, port = os.environ["DB"].removeprefix("db://").partition(":")
print("found", socket.create_connection((host, int(port))).recv(99).decode(), flush=True)
"""
SHOP = """
listen: {http_port: HTTP_PORT}
processes:
  db:
    command: exec PYTHON ../database.py SECOND
    cwd: data
    ports: ["auto:5432", SECOND]
    health_check: {tcp: 5432, interval: 50}
  app:
    command: PYTHON asks.py && echo "shell $RPX_DB_ADDRESS $RPX_DB_PORT_SECOND" && exec sleep 1000
    env: {DB: "db://$RPX_DB_ADDRESS"}
    depends_on: [db]
  web: {command: "exec PYTHON APPS/ok.py", ports: WEB}
proxies:
  - {to: web.localhost, from: WEB, name: site}
"""


@pytest.fixture
def shop(project: Project) -> Project:
    (project.folder / "data").mkdir()
    (project.folder / "database.py").write_text(DATABASE)
    (project.folder / "asks.py").write_text(ASKS)
    second, web = free_ports(2)
    project.write(SHOP, SECOND=str(second), WEB=str(web))
    return project


def row(project: Project, name: str) -> dict[str, Any]:
    return next(row for row in project.ps() if row["name"] == name)


def asked(port: int) -> list[str]:
    with socket.create_connection(("127.0.0.1", port)) as sock:
        return sock.recv(99).decode().split()


def test_a_port_is_told_kept_served_and_known_to_commands(shop: Project) -> None:
    with shop.up():
        database, second = (port["port"] for port in row(shop, "db")["ports"])
        name, listener = asked(database)
        assert name == "db"
        shop.until_said(f"found db {listener}")
        shop.until_said(f"shell 127.0.0.1:{database} {second}")
        assert shop.get("web.localhost").status_code == 200
        assert row(shop, "site")["served_by"] == "web"
        assert f"localhost:5432 ({database}), {second}" in shop.rpx("ps").stdout
        # The child listens, not the process that rpx has started: it is what dies.
        killed = shop.rpx("kill-backend", "5432", "--json")
        assert json.loads(killed.stdout)["pid"] == int(listener), killed.stdout
        until(lambda: row(shop, "db")["restarts"] == 1, "it was restarted")
        shop.until_ready()
        before = row(shop, "db")["pid"]
        assert shop.rpx("restart", f"db:{second}").returncode == 0
        assert row(shop, "db")["pid"] != before
        assert asked(database)[0] == "db"
        # Whoever uses what changes is replaced, and nobody else.
        pids = {row["name"]: row["pid"] for row in shop.ps()}
        [other] = free_ports(1)
        text = (shop.folder / "rpx.yaml").read_text()
        (shop.folder / "rpx.yaml").write_text(
            text.replace("auto:5432", f"{other}").replace("tcp: 5432", f"tcp: {other}")
        )
        done = shop.rpx("reload")
        assert done.returncode == 0, done.stderr
        shop.until_said(f"shell 127.0.0.1:{other} {second}")
        now = {row["name"]: row["pid"] for row in shop.ps()}
        assert {name for name in pids if pids[name] != now[name]} == {"db", "app"}
        (shop.folder / "rpx.yaml").write_text(text)
    with shop.up():
        assert row(shop, "db")["ports"][0] == {"known": 5432, "port": database}


def test_who_has_a_port_is_named_before_anything_is_started(shop: Project) -> None:
    text = (shop.folder / "rpx.yaml").read_text()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (shop.folder / "rpx.yaml").write_text(text.replace("auto:5432", str(port)))
        done = shop.rpx("up")
        assert done.returncode == 1
        assert f"error: the port of `db`, {port}, is taken by `" in done.stderr
        assert "starting" not in done.stdout + done.stderr
        (shop.folder / "rpx.yaml").write_text(text.replace("{tcp: 5432,", f"{{tcp: {port},"))
        done = shop.rpx("up")
        assert f"error: the `health_check.tcp` port of `db`, {port}, is taken by `" in done.stderr
