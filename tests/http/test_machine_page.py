"""The page about all projects: complete in each form, escaped, legible, and safe to show."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from rpx.http.machine_page import (
    MACHINE_LINES,
    IdleProject,
    ListedProject,
    ListedService,
    MachinePage,
    render_machine,
    start_command,
)
from rpx.http.own_answers import error_answer
from rpx.http.page_parts import SCRIPT, STYLE
from rpx.http.pages import Page

EVIL = "<script>alert('x')</script>\"&\x1b[31m"
HTML = b"text/html"
SHOP = ListedProject(
    "shop",
    "/home/ann/shop",
    "login",
    "fix/login",
    "ready",
    (ListedService("api", "https://api.login.localhost", "ready"), ListedService("db")),
    ("api.login.localhost", "*.shop.localhost"),
    dashboard="http://shop.rpx.localhost",
)
NOTES = IdleProject(
    "notes", "/home/ann/my notes", "cd '/home/ann/my notes' && rpx up", hosts=("n",)
)
COMING = MachinePage(idle=(NOTES,), status=503, title="notes isn't running", listed=False)


def test_each_form_has_names_states_folders_links_and_how_to_start_the_rest() -> None:
    page = MachinePage((SHOP,), (NOTES,))
    html, kind = render_machine(page, HTML)
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
        assert b"*.shop.localhost" in form
        assert b"http://shop.rpx.localhost" in form
    for accept in (HTML, None):
        assert b"Nothing runs here" in render_machine(MachinePage(), accept)[0]
    assert json.loads(render_machine(MachinePage(), b"application/json")[0])["projects"] == []


def test_a_folder_that_is_gone_is_said_to_be() -> None:
    gone = ListedProject("shop", "/home/ann/shop", folder_exists=False)
    for accept in (HTML, None):
        assert b"/home/ann/shop  (gone)" in render_machine(MachinePage((gone,)), accept)[0]
    said = json.loads(render_machine(MachinePage((gone,)), b"application/json")[0])
    assert said["projects"][0]["folder_exists"] is False


def test_what_comes_from_outside_is_escaped_and_no_script_becomes_a_link() -> None:
    services = (ListedService(EVIL, "javascript:alert(1)", EVIL), ListedService("w", "http://*.x"))
    project = ListedProject(EVIL, EVIL, EVIL, EVIL, EVIL, services, ("*." + EVIL,))
    idle = IdleProject(EVIL, EVIL, EVIL, EVIL, (EVIL,))
    bare = MachinePage(idle=(idle,), title=EVIL, sentence=EVIL, listed=False, url=EVIL, home=EVIL)
    for page in (bare, replace(bare, projects=(project,), listed=True)):
        html = render_machine(page, HTML)[0]
        assert html.replace(SCRIPT.encode(), b"").count(b"<script") == (not page.listed)
        assert b"<a " not in html
        assert b"\x1b" not in html
        assert b"http://" not in html.replace(b"http://*.x", b"")
        assert b"\x1b" not in render_machine(page, None)[0]


def test_a_name_of_several_lines_or_written_backwards_moves_nothing_beside_it() -> None:
    odd = "a\nready  /etc\tb\u202etxt\u2067\u05d0"
    project = ListedProject(odd, odd, "", odd, "ready")
    page = MachinePage((project,), (IdleProject(odd, odd, start_command(odd, "rpx up")),))
    for accept in (HTML, None):
        shown = render_machine(page, accept)[0].decode()
        assert "a\\nready" in shown
        assert not re.search(r"^ready|[\t\u202e\u2067]", shown, re.MULTILINE)
    html = render_machine(page, HTML)[0].decode()
    assert html.count("<bdi>") == html.count("</bdi>") == 4


@pytest.mark.parametrize(
    "folder",
    ["/home/ann/shop", "/it's $HOME", "/a b", "/`x`", "/a\nb", "/a\t'b'\\n", "/\u202eb", "/\u05d0",
     "/\udcff\udc80", "/\x1b[31m"],
)  # fmt: skip
def test_what_is_to_be_typed_means_that_folder_to_a_shell_as_it_is_shown(folder: str) -> None:
    start = start_command(folder, "rpx up")
    page = MachinePage(idle=(IdleProject("a", folder, start),), listed=False)
    shown = render_machine(page, None)[0].decode().splitlines()[-1].strip()
    assert shown == start
    bash = ("bash", "-c", shown.replace("cd ", "printf %s ").replace("&& rpx up", ""))
    said = subprocess.run(bash, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert said == folder.encode("utf-8", "surrogateescape")


def test_a_plain_folder_is_shown_as_it_is() -> None:
    assert start_command("/home/ann/shop", "rpx up") == "cd /home/ann/shop && rpx up"
    assert shlex.split(start_command("/it's $HOME", "rpx up"))[1] == "/it's $HOME"


def test_the_policy_names_the_style_and_the_script_that_there_are_and_nothing_else() -> None:
    own = error_answer(Page(404, ""), accept=HTML, date=b"", close=True)[0].lines()
    for lines in (MACHINE_LINES, own):
        policy = re.search(rb"Content-Security-Policy: (.*)\r\n", lines)
        assert policy is not None
        rules = dict(rule.split(" ", 1) for rule in policy[1].decode().split("; "))
        assert rules["default-src"] == "'none'"
        for rule, text in (("style-src", STYLE), ("script-src", SCRIPT)):
            digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
            assert rules[rule] == f"'sha256-{digest}'"
    assert b"frame-ancestors 'none'" in MACHINE_LINES
    assert b"frame-ancestors" not in own  # a project may show a part of its own in a frame


@pytest.mark.parametrize("page", [MachinePage((SHOP,), (NOTES,)), COMING])
def test_nothing_is_loaded_from_elsewhere_and_no_style_stands_at_an_element(
    page: MachinePage,
) -> None:
    class Seen(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found = dict(attrs)
            assert tag not in {"img", "iframe", "object", "base", "form"}
            assert not {"src", "style"} & set(found)
            assert not any(name.startswith("on") for name in found)
            assert tag != "link" or found["href"] == "data:,"

    html = render_machine(page, HTML)[0].decode()
    Seen().feed(html)
    assert "url(" not in html
    assert "@import" not in html


def test_it_looks_again_only_where_something_is_to_come() -> None:
    assert SCRIPT.encode() in render_machine(COMING, HTML)[0]
    assert b"<script" not in render_machine(MachinePage((SHOP,), (NOTES,)), HTML)[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_that_is_written_can_be_read_in_either_scheme(scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for what else means something (1.4.11)."""
    light, dark = re.findall(r":root\{(.*?)\}", STYLE)
    colours = dict(re.findall(r"--(\w+):#([0-9a-f]+)", light if scheme == "light" else dark))
    for ground in ("paper", "card"):
        for text in ("ink", "soft", "link", "mark"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
        for sign in ("good", "busy", "mark", "soft", "link"):
            assert contrast(colours[sign], colours[ground]) >= 3, (sign, ground)
    assert "a:focus-visible{outline:2px solid var(--link)" in STYLE


def contrast(one: str, other: str) -> float:
    """Of two colours such as `fff` or `1d2025`, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """From 0 for black to 1 for white."""
    digits = "".join(each * 2 for each in colour) if len(colour) == 3 else colour
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
