"""The page about all projects: complete in each form, escaped, and silent before strangers."""

from __future__ import annotations

import json

import pytest

from rpx.http.machine_page import (
    IdleProject,
    ListedProject,
    ListedService,
    MachinePage,
    is_machines_own,
    may_be_told,
    not_running,
    render_machine,
    start_command,
    unknown_host,
)

EVIL = "<script>alert('x')</script>\"&\x1b[31m"
SHOP = ListedProject(
    "shop",
    "/home/ann/shop",
    "login",
    "fix/login",
    "ready",
    (ListedService("api", "https://api.login.localhost", "ready"), ListedService("db")),
)
NOTES = IdleProject(
    "notes", "/home/ann/my notes", "cd '/home/ann/my notes' && rpx up", hosts=("n",)
)


@pytest.mark.parametrize(
    "host",
    ["", "localhost", "a.localhost", "a.test", "db.internal", "mac.local", "127.0.0.1", "127.9.9.9",
     "[::1]"],
)  # fmt: skip
def test_who_asks_for_a_name_that_nobody_can_have_elsewhere_is_told(host: str) -> None:
    assert may_be_told(host, taken=False)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.com", "evil-localhost", "192.168.1.4", "[2001:db8::1]", "x"],
)
def test_a_name_that_could_be_rebound_is_told_nothing_unless_a_project_has_it(host: str) -> None:
    assert not may_be_told(host, taken=False)
    assert may_be_told(host, taken=True)
    page = unknown_host(host, [SHOP], [NOTES], near=False)
    for accept in (b"text/html", b"application/json", None):
        body, _ = render_machine(page, accept)
        assert page.status == 404
        assert not any(word in body for word in (b"shop", b"ann", b"notes"))


def test_the_machine_itself_has_its_page_and_another_name_is_unknown() -> None:
    for host in ("", "localhost", "rpx.localhost", "127.0.0.1", "[::1]"):
        assert is_machines_own(host)
        assert unknown_host(host, [SHOP], [NOTES], near=True).status == 200
    page = unknown_host("nope.localhost", [SHOP], [NOTES], near=True)
    assert page.status == 404
    assert b"nope.localhost" in render_machine(page, None)[0]
    assert b"api.login.localhost" in render_machine(page, None)[0]


def test_each_form_has_names_states_folders_links_and_how_to_start_the_rest() -> None:
    page = MachinePage((SHOP,), (NOTES,))
    html, kind = render_machine(page, b"text/html")
    assert kind.startswith("text/html")
    assert b'<a href="https://api.login.localhost">' in html
    text, kind = render_machine(page, b"*/*")
    assert kind.startswith("text/plain")
    body, kind = render_machine(page, b"application/json")
    said = json.loads(body)
    assert said["projects"][0]["services"][0]["url"] == "https://api.login.localhost"
    assert said["idle"][0]["start"] == NOTES.start
    for form in (html, text, body):
        for word in (b"shop", b"login", b"ready", b"/home/ann/shop", b"notes", b"rpx up"):
            assert word in form
    assert b"nothing runs here" in render_machine(MachinePage(), None)[0].lower()


def test_what_comes_from_outside_is_escaped_and_no_script_becomes_a_link() -> None:
    services = (ListedService(EVIL, "javascript:alert(1)", EVIL), ListedService("w", "http://*.x"))
    project = ListedProject(EVIL, EVIL, EVIL, EVIL, EVIL, services)
    idle = IdleProject(EVIL, EVIL, EVIL, EVIL, (EVIL,))
    for page in (MachinePage((project,), (idle,)), not_running(idle)):
        html = render_machine(page, b"text/html")[0]
        assert b"<script" not in html
        assert b"<a " not in html
        assert b"\x1b" not in html
        assert b"http://" not in html.replace(b"http://*.x", b"")
        assert b"\x1b" not in render_machine(page, None)[0]


def test_a_project_that_does_not_run_is_a_503_with_what_to_type() -> None:
    page = not_running(NOTES)
    assert page.status == 503
    assert page.title == "notes isn't running"
    assert b"cd '/home/ann/my notes' && rpx up" in render_machine(page, None)[0]


def test_a_folder_with_odd_characters_can_be_pasted_into_a_shell() -> None:
    assert start_command("/home/ann/shop", "rpx up") == "cd /home/ann/shop && rpx up"
    assert start_command("/it's $HOME", "rpx up") == "cd '/it'\\''s $HOME' && rpx up"
