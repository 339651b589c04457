"""Ports: free, taken by whom, not permitted, not of this machine."""

from __future__ import annotations

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rpx.config import config_from_mapping
from rpx.doctor.findings import Finding, Status
from rpx.doctor.port_check import ports
from rpx.door.roster import Roster
from rpx.model.config import Config
from tests.support.project import free_ports


def config(port: int, backend: int, host: str = "localhost", *, https: bool = False) -> Config:
    mapping = {
        "https": https,
        "listen": {"host": host, "http_port": port},
        "proxies": [
            {"to": "a.localhost", "from": backend, "start": "true"},
            {"to": "b.localhost", "from": f"localhost:{backend + 1}"},
        ],
    }
    return config_from_mapping(mapping, root=Path("/"), environ={})


def of(findings: Iterator[Finding], subject: str) -> Finding:
    (found,) = [each for each in findings if subject in each.subject]
    return found


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        yield server.getsockname()[1]


def test_free_ports_are_fine_and_those_of_external_backends_are_not_looked_at() -> None:
    one, two = free_ports(2)
    found = list(ports(config(one, two), None))
    assert [each.subject for each in found] == [
        f"port {one}, of `listen.http_port`",
        f"port of a:{two}",
    ]
    assert {each.detail for each in found} == {"free, and permitted"}


def test_the_port_of_tls_is_looked_at_where_there_is_tls() -> None:
    one, two = free_ports(2)
    assert of(ports(config(one, two, https=True), None), "port 443").check == "ports"


@pytest.mark.parametrize("wanted", ["localhost", "::"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_holds_a_port_is_said(host: str, wanted: str) -> None:
    with listening(host) as port:
        found = of(ports(config(port, free_ports(1)[0], wanted), None), "http_port")
    assert found.status is Status.PROBLEM
    assert found.detail.startswith("taken by `")
    assert f"(pid {os.getpid()})" in found.detail
    assert "another port" in found.hint


def test_a_port_that_the_project_itself_has_is_fine() -> None:
    with listening() as port, listening() as backend:
        found = list(ports(config(port, backend), os.getpid()))
    assert of(iter(found), "http_port").detail == f"this project has it (pid {os.getpid()})"
    assert not [each for each in found if "a:" in each.subject]


def test_the_port_of_a_backend_that_is_taken_is_a_problem() -> None:
    with listening() as backend:
        assert of(ports(config(0, backend), None), "port of a:").status is Status.PROBLEM


def refused(number: int) -> type[socket.socket]:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(number, os.strerror(number))

    return Refusing


def test_a_port_that_is_not_permitted_says_how_to_permit_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "socket", refused(errno.EACCES))
    found = of(ports(config(81, 3000), None), "port 81")
    assert (found.status, found.detail) == (Status.PROBLEM, "not permitted")
    assert "`rpx setup`" in found.hint
    if sys.platform == "linux":
        found = of(ports(config(25, 3000), None), "port 25")
        assert found.hint.endswith("`sudo sysctl net.ipv4.ip_unprivileged_port_start=25`")
    usual = of(ports(None, None), "port 80")
    assert usual.status is Status.WARNING
    assert usual.detail == "not permitted; projects get 8080 or one above it instead"


def test_an_address_of_another_machine_is_said() -> None:
    found = of(ports(config(8080, 3000, host="192.0.2.1"), None), "http_port")
    assert found.status is Status.PROBLEM
    assert found.hint == "`192.0.2.1` has to be an address of this machine"


def test_a_port_that_the_door_has_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening() as port:
        monkeypatch.setattr(
            "rpx.doctor.port_check.read_roster",
            lambda _: Roster(pid=1, version="", since=0.0, http=port, https=0, members=()),
        )
        found = of(ports(config(port, free_ports(1)[0]), None), f"port {port}")
    assert (found.status, found.detail) == (Status.OK, "the door of your projects has it")
