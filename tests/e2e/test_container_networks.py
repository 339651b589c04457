"""Containers reach each other, and are reached by their `ports`, as their variables say."""

from __future__ import annotations

import socket

import pytest

from tests.e2e.test_containers import name_of, row, write
from tests.support import engine
from tests.support.engine import podman
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.engine]


def test_variables_say_where_others_are_to_a_container_and_to_a_process(shop: Project) -> None:
    written = """
  db:
    image: IMAGE
    ports: ["PORT_B:80", "auto:81"]
    command: [sh, -c, "httpd -p 81 -h /srv; exec httpd -f -p $PORT -h /srv"]
    health_check: {tcp: 80}
  client:
    image: IMAGE
    env: {DB: "http://$RPX_DB_ADDRESS/index.html"}
    command: [sh, -c, 'wget -q -O - $DB; echo "$RPX_DB_PORT_81 $RPX_LOCAL_ADDRESS"; sleep 1000']
    depends_on: [db]
  local: {command: "echo at $RPX_DB_ADDRESS; exec sleep 1000", ports: PORT_C}
"""
    _, port, local = write(shop, "", written)
    with shop.up():
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert sock.makefile("rb").read().endswith(b"here\n")
        shop.until_said(f"local  | at 127.0.0.1:{port}")
        shop.until_said("client | here")
        shop.until_said(f"client | 81 host.containers.internal:{local}")
        assert {row["name"]: len(row["ports"]) for row in shop.ps()}["db"] == 2
        networks = podman("network", "ls", "-q").split()
        assert [name for name in networks if name.startswith(f"rpx-{shop.folder.name}-")]
        killed = shop.rpx("kill-backend", str(port))
        assert killed.returncode == 0, killed.stderr
        until(lambda: row(shop, "db")["restarts"] == 1, "restarted")
        until(shop.all_ready, "ready again")
        assert shop.rpx("restart", "client").returncode == 0
        until(lambda: shop.said().count("client | here") == 2, "found again by its name")
        assert engine.names(shop.folder.name) == {name_of(shop, "db"), name_of(shop, "client")}
    networks = podman("network", "ls", "-q").split()
    assert not [name for name in networks if name.startswith(f"rpx-{shop.folder.name}-")]
