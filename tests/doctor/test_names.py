"""Names: where the hosts of a project lead browsers and programs."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from pathlib import Path

import pytest

from rpx.config import config_from_mapping
from rpx.doctor import names as module
from rpx.doctor.findings import Finding, Status
from rpx.doctor.names import names, remedy, unknown

DNS = (
    "a hosts file has no wildcards: add what you use, `sudo rpx hosts add a.none.test`, or let a"
    " DNS server know them, as dnsmasq by `address=/none.test/127.0.0.1`"
)
ALL = "`sudo apt-get install libnss-myhostname` lets it know every name below .localhost"
KNOWN = {
    "here.test": ["127.0.0.1", "::1"],
    "there.test": ["127.0.0.1", "192.0.2.7"],
    "b.localhost": ["127.0.0.1"],
    "c.localhost": ["192.0.2.7"],
    "rpx-doctor.wild.test": ["127.0.0.1"],
}


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """A libc with a list of its own; `slow.test` has an answer only when the event says so."""
    end = threading.Event()

    def getaddrinfo(host: str, port: object, **_: object) -> list[tuple[object, ...]]:
        if host == "slow.test":
            end.wait(20)
        if host not in KNOWN:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (address, 0)) for address in KNOWN[host]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/apt-get")
    return end


def found(*routes: str) -> list[Finding]:
    proxies = [{"to": to, "from": 3000, "name": f"n{n}"} for n, to in enumerate(routes)]
    config = config_from_mapping({"proxies": proxies}, root=Path("/"), environ={})
    return list(names(config))


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize(
    ("host", "status", "detail", "hint"),
    [
        ("here.test", Status.OK, "browsers and libc: 127.0.0.1, ::1", ""),
        (
            *("b.localhost", Status.OK, "browsers: this machine, always; libc: 127.0.0.1"),
            "",
        ),
        (
            *("c.localhost", Status.PROBLEM),
            "browsers: this machine, always; libc: 192.0.2.7, which is another machine",
            "see where it comes from: `getent hosts c.localhost`",
        ),
        ("*.wild.test", Status.OK, "browsers and libc: 127.0.0.1", ""),
        (
            *(
                "there.test",
                Status.PROBLEM,
                "browsers and libc: 192.0.2.7, which is another machine",
            ),
            "see where it comes from: `getent hosts there.test`",
        ),
        (
            *("nobody.test", Status.PROBLEM, "browsers and libc: unknown"),
            "`sudo rpx hosts add nobody.test`",
        ),
        (
            *("a.localhost", Status.WARNING),
            "browsers: this machine, always; libc: unknown",
            f"{ALL}; or `sudo rpx hosts add a.localhost`",
        ),
        (
            *("*.a.localhost", Status.WARNING),
            *("browsers: this machine, always; libc: unknown", ALL),
        ),
        (
            *("*.none.test", Status.PROBLEM, "browsers and libc: unknown"),
            DNS,
        ),
    ],
)
def test_each_name_has_a_verdict_and_a_remedy(
    host: str, status: Status, detail: str, hint: str
) -> None:
    assert found(host) == [Finding("names", host, status, detail, hint)]


@pytest.mark.usefixtures("hanging")
def test_a_host_is_looked_up_once_and_addresses_are_no_names() -> None:
    looked_at = found("here.test", "here.test/api", "127.0.0.1", "[::1]")
    assert [each.subject for each in looked_at] == ["here.test"]


def test_a_name_that_has_no_answer_holds_nobody_up(
    hanging: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    slow, here = found("slow.test", "here.test")
    assert (slow.status, slow.detail) == (
        Status.WARNING,
        "browsers and libc: no answer within 0.05 s",
    )
    assert here.status is Status.OK
    assert unknown(["slow.test", "nobody.test"]) == ["nobody.test"]
    hanging.set()


@pytest.mark.usefixtures("hanging")
def test_who_is_unknown_is_told_without_a_verdict() -> None:
    routes = ["here.test/a", "nobody.test", "a.localhost/x", "a.localhost/y", "[::1]"]
    assert unknown(routes) == ["nobody.test", "a.localhost"]


@pytest.mark.usefixtures("hanging")
def test_root_needs_no_sudo_and_not_every_system_has_apt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert remedy(["a.localhost", "b.localhost"]) == (
        "`myhostname` in the `hosts:` line of /etc/nsswitch.conf lets it know every name below"
        " .localhost; or `rpx hosts add a.localhost b.localhost`"
    )
    assert remedy(["a.localhost", "shop.test"]) == "`rpx hosts add a.localhost shop.test`"


def test_without_a_project_localhost_has_to_be_here() -> None:
    if unknown(["localhost"]):  # a root of debootstrap's has no /etc/hosts
        pytest.skip("this system doesn't know localhost")
    (localhost,) = names(None)
    assert localhost.status is Status.OK
