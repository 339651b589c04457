"""Which page a client gets whom no project is to have, and what it is not told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rpx.door.machine_listing import page_for
from rpx.http.head import parse_request
from rpx.http.machine_page import MachinePage, render_machine
from rpx.policy.nearness import is_nobodys


def member(
    name: str, *hosts: str, http: int = 80, https: int = 0, **more: object
) -> dict[str, Any]:
    """A project as the roster has it."""
    about = {"project": name, "folder": f"/home/ann/{name}", "file": f"/home/ann/{name}/rpx.yaml"}
    state = {"state": "ready", "services": [], "realm": "", "branch": ""}
    return {**about, **state, "hosts": list(hosts), "http": http, "https": https, **more}


MEMBERS = [
    member("shop", "shop.localhost", "*.shop.localhost", https=443),
    member("blog", "blog.localhost", "blog.rpx.localhost"),
    member("aside", "aside.localhost", http=8090),
]


@pytest.fixture
def notes(tmp_path: Path) -> dict[str, Any]:
    """A project that is known, and doesn't run."""
    return {"project": "notes", "folder": str(tmp_path), "file": "/n", "start": "rpx up -f n.yaml",
            "hosts": ["notes.localhost", "*.notes.localhost", "shop.dev"]}  # fmt: skip


def page(
    host: str,
    known: Sequence[dict[str, Any]] = (),
    *,
    tls: bool = False,
    near: bool = True,
    line: str = "GET /",
) -> MachinePage:
    """What somebody gets who asks for a host."""
    found = parse_request(f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert found is not None
    return page_for(found[0], MEMBERS, known, tls=tls, near=near)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LocalHost", "localhost.", "localhost:80", "rpx.localhost", "127.0.0.1",
     "127.9.9.9:8080", "[::1]", "[::ffff:127.0.0.1]"],
)  # fmt: skip
def test_the_machine_itself_has_its_page(host: str, notes: dict[str, Any]) -> None:
    found = page(host, [notes])
    assert found.status == 200
    assert [each.name for each in found.projects] == ["aside", "blog", "shop"]
    assert [each.start for each in found.idle] == [f"cd {notes['folder']} && rpx up -f n.yaml"]
    urls = {service.url for each in found.projects for service in each.services}
    assert urls == {
        "https://shop.localhost",
        "http://blog.localhost",
        "http://aside.localhost:8090",
    }
    assert found.projects[0].folder_exists is False
    assert [each.dashboard for each in found.projects] == ["", "http://blog.rpx.localhost", ""]


@pytest.mark.parametrize("line", ["GET /api", "GET /favicon.ico", "POST /"])
def test_only_its_root_is_that_page_and_only_to_read(line: str) -> None:
    assert page("localhost", line="GET /?a=b").status == page("localhost", line="HEAD /").status
    found = page("localhost", line=line)
    assert (found.status, found.sentence) == (404, "No project has the name `localhost`.")
    assert len(found.projects) == 3


def test_a_name_of_nobody_is_unknown_and_the_others_are_listed(notes: dict[str, Any]) -> None:
    found = page("nope.localhost", [notes])
    assert (found.status, found.sentence) == (404, "No project has the name `nope.localhost`.")
    assert len(found.projects) == 3
    assert page("a.b.notes.localhost", [notes]).status == 404  # a wildcard is one label


@pytest.mark.parametrize("host", ["notes.localhost", "NOTES.localhost.", "a.notes.localhost:8080"])
@pytest.mark.parametrize("tls", [False, True])
def test_a_project_that_does_not_run_says_how_it_is_started_and_shows_no_other(
    host: str, tls: bool, notes: dict[str, Any]
) -> None:
    found = page(host, [notes], tls=tls)
    assert (found.status, found.title, found.listed) == (503, "notes isn't running", False)
    port = ":8080" if "8080" in host else ""
    assert found.home == f"{'https' if tls else 'http'}://localhost{port}"
    for accept in (b"text/html", b"application/json", None):
        body = render_machine(found, accept)[0]
        assert f"cd {notes['folder']}".encode() in body
        assert b"shop" not in body.replace(b"shop.dev", b"")


def test_a_folder_that_has_gone_can_be_started_by_nobody(notes: dict[str, Any]) -> None:
    gone = {**notes, "folder": "/nowhere"}
    assert page("notes.localhost", [gone]).status == 404
    assert page("localhost", [gone]).idle == ()


def test_a_name_that_somebody_has_elsewhere_says_where() -> None:
    found = page("blog.localhost", tls=True)
    assert (found.status, found.title) == (404, "blog.localhost is elsewhere")
    assert "has the name `blog.localhost`, but not for https (`https: true` in" in found.sentence
    assert found.url == "http://blog.localhost"
    assert json.loads(render_machine(found, b"application/json")[0])["url"] == found.url
    found = page("aside.localhost")
    assert (found.status, found.url) == (404, "http://aside.localhost:8090")
    assert page("blog.localhost:8090").url == "http://blog.localhost"


def test_a_connection_from_before_the_project_came_is_to_be_opened_again() -> None:
    assert page("shop.localhost", tls=True).status == 421
    assert page("a.shop.localhost:443", tls=True).status == 421


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.com", "evil-localhost", "192.168.1.4", "[2001:db8::1]", "x",
     "shop.dev", "127.0.0.1.nip.io", "localhost.localdomain", "0.0.0.0", "0"],
)  # fmt: skip
def test_a_name_that_could_be_rebound_is_told_nothing(host: str, notes: dict[str, Any]) -> None:
    assert not is_nobodys(host)  # unless a project has it
    for tls in (False, True):
        found = page(host, [notes], tls=tls, near=False)
        assert found.status == 404
        for accept in (b"text/html", b"application/json", None):
            body = render_machine(found, accept)[0]
            assert not any(word in body for word in (b"shop", b"ann", b"notes", b"blog", b"rpx up"))


@pytest.mark.parametrize(
    "host", ["localhost", "a.localhost", "a.test", "db.internal", "mac.local", "127.0.0.1", "[::1]"]
)
def test_a_name_that_nobody_can_have_elsewhere_is_told(host: str) -> None:
    assert is_nobodys(host)
