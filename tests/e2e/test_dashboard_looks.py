"""The dashboard for everybody: axe-core, keys alone, phones, zoom, and nothing that it may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.axe import Scheme, prefer, violations
from tests.support.browser import Tab, browser, needs_chromium
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]

HERE = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
ROWS = "[...document.querySelectorAll('tr[data-copy]')]"
# What the page did that its policy forbids, from its first moment on.
WATCH = """window.forbidden = [];
document.addEventListener("securitypolicyviolation", (e) => forbidden.push(e.violatedDirective));"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SUBMIT = "document.querySelector('.drill [type=submit]')"


@contextmanager
def dashboard(project: Project) -> Iterator[Tab]:
    with browser(project.folder, HERE) as chromium:
        tab = chromium.open(project.rpx("open", "--dashboard", "--print").stdout.strip())
        tab.ask("Page.enable")
        tab.ask("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
        tab.until(f"{ROWS}.length > 0", "the rows")
        yield tab


def key(tab: Tab, pressed: str) -> None:
    """Press a key where the focus is, as a keyboard does."""
    code = {"Enter": "\r", "Tab": "\t"}.get(pressed, pressed if len(pressed) == 1 else "")
    number = {"Enter": 13, "Tab": 9, "Escape": 27}.get(pressed, 0)
    known = {"key": pressed, "windowsVirtualKeyCode": number}
    tab.ask("Input.dispatchKeyEvent", type="keyDown", text=code, **known)
    tab.ask("Input.dispatchKeyEvent", type="keyUp", **known)


def focused(tab: Tab) -> str:
    """What has the focus: its name, as it is read out."""
    return str(tab.run("(document.activeElement.ariaLabel ?? document.activeElement.innerText)"))


def screen(tab: Tab, path: str, ready: str = "document.querySelector('main > *')") -> None:
    tab.go(f"{tab.run('location.origin')}{path}")
    tab.until(f"!!document.querySelector('.how.live') && !!{ready}", path)


def drill_once(tab: Tab) -> None:
    screen(tab, "/drills?duration=1&rate=20&at=0.2", SUBMIT)
    tab.until(f"{SUBMIT}.disabled || {SUBMIT}.click()", "it is started")
    tab.until("!!document.querySelector('.report .phases')", "its report")


def each_state(tab: Tab) -> Iterator[str]:
    """Bring the page into each of its states; what it is."""
    screen(tab, "/?copy=broken", "document.querySelector('.wrong details')")
    tab.run("document.querySelector('.wrong details').open = true")
    yield "something is wrong, one is chosen"
    key(tab, "?")
    tab.until("!!document.querySelector('dialog[open]')", "the keys")
    yield "the keys"
    key(tab, "Escape")
    screen(tab, "/?q=nothing+of+this")
    yield "a filter that means nothing"
    for path in ("/requests", "/requests?q=staus:5xx", "/logs", "/logs?q=nothing+of+this"):
        screen(tab, path)
        yield path
    screen(tab, "/drills?path=/x", "document.querySelector('.report .phases')")
    yield "a report of a drill"


@contextmanager
def with_all_states(project: Project) -> Iterator[Tab]:
    """A project with something in each screen."""
    more = "\n".join(f"  worker-{number}: {{command: sleep 1000}}" for number in range(5))
    project.copies(
        2, f"processes:\n  broken: {{command: 'echo no; exit 3', restart: no}}\n{more}\n"
    )
    with project.up(ready=False):
        until(lambda: project.states().get("broken") == "failed", "it has failed")
        with dashboard(project) as tab:
            for path in ("/orders", "/status?c=503", "/status?c=404"):
                project.get("api.localhost", path)
            drill_once(tab)
            yield tab


def sized(tab: Tab, width: int, height: int, scale: int = 1) -> None:
    tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=scale,
        mobile=False,
    )


def test_axe_finds_nothing_in_any_state(project: Project) -> None:
    with with_all_states(project) as tab:
        for state in each_state(tab):
            prefer(tab, "light")
            assert violations(tab) == [], state
            prefer(tab, "dark")
            assert violations(tab, "color-contrast") == [], state
            assert tab.run("window.forbidden") == [], state
        sized(tab, 400, 800)
        screen(tab, "/", f"{ROWS}.length")
        assert violations(tab) == []
        project.rpx("down")
        tab.until("!!document.querySelector('.how.end, .how.lost')", "it has ended")
        assert violations(tab) == []


def test_nothing_is_too_wide_for_a_phone_or_at_200_percent(project: Project) -> None:
    with with_all_states(project) as tab:
        for width, height, scale in ((400, 800, 1), (900, 900, 1), (1400, 900, 1), (640, 400, 2)):
            sized(tab, width, height, scale)
            for state in each_state(tab):
                assert tab.run(TOO_WIDE) <= 0, (width, state)
        features = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        tab.ask("Emulation.setEmulatedMedia", features=features)
        assert tab.run("getComputedStyle(document.body).transitionDuration") == "0s"


def test_the_page_is_for_keys_alone(project: Project) -> None:
    first, _ = project.copies(2, "processes: {worker: {command: echo hello; sleep 1000}}\n")
    with project.up(), dashboard(project) as tab:
        for pressed, path in (("l", "/logs"), ("d", "/drills"), ("r", "/requests"), ("n", "/")):
            key(tab, pressed)
            tab.until(f"location.pathname === '{path}'", pressed)
        for pressed, chosen in (("j", 0), ("j", 1), ("j", 2), ("j", 2), ("k", 1), ("k", 0)):
            key(tab, pressed)
            tab.until(f"{ROWS}[{chosen}].getAttribute('aria-current') === 'true'", pressed)
        restarts = {row["label"]: row["pid"] for row in project.ps()}[f"api:{first}"]
        key(tab, "x")
        tab.until("document.querySelector('footer').innerText.includes('restarted')", "x")
        assert {row["label"]: row["pid"] for row in project.ps()}[f"api:{first}"] != restarts
        key(tab, "Enter")
        tab.until("location.pathname === '/logs'", "its output")
        assert f"only=api%3A{first}" in tab.run("location.search")
        key(tab, "/")
        assert tab.run("document.activeElement.id") == "filter"
        key(tab, "d")  # a letter in a field is a letter
        assert tab.run("location.pathname") == "/logs"
        key(tab, "Escape")
        key(tab, "?")
        tab.until("!!document.querySelector('dialog[open]')", "the list of keys")
        key(tab, "Escape")
        tab.until("!document.querySelector('dialog')", "it is closed")
        key(tab, "n")
        tab.until(f"{ROWS}.length === 3", "the first screen")
        tab.run("document.activeElement.blur()")
        seen = set()
        for _ in range(60):
            key(tab, "Tab")
            name = focused(tab)
            seen.add(name)
            if name == "restart worker":
                break
            outline = "getComputedStyle(document.activeElement)"
            assert tab.run(
                f"document.activeElement === document.body || {outline}.outlineWidth"
            ) in (
                True,
                "2px",
            ), name
        assert {"Now", "Drills", f"kill api:{first}", "one copy of api more"} <= seen
        assert tab.run("document.querySelector('footer').innerText").strip() == "rpx restart worker"
        pid = {row["label"]: row["pid"] for row in project.ps()}["worker"]
        key(tab, "Enter")
        until(
            lambda: {r["label"]: r["pid"] for r in project.ps()}["worker"] not in (pid, None), "it"
        )
        tab.until("document.querySelector('footer').innerText.includes('worker restarted')", "said")


def test_who_is_not_let_in_sees_why_and_axe_finds_nothing(project: Project) -> None:
    project.copies(1)
    with project.up(), dashboard(project) as tab:
        url = project.rpx("open", "--dashboard", "--print").stdout.strip()
        origin = str(tab.run("location.origin"))
        for state, visited in (("let in", f"{origin}/"), ("good no more", f"{url}x")):
            tab.ask("Network.clearBrowserCookies")
            tab.go(visited)
            said = str(tab.run("document.body.innerText"))
            assert state in said
            assert "rpx open --dashboard" in said
            for scheme in SCHEMES:
                prefer(tab, scheme)
                assert violations(tab) == [], (state, scheme)
        tab.go(url)
        tab.until(f"{ROWS}.length > 0", "a new link lets it in")
        assert json.loads(tab.run("JSON.stringify(window.forbidden)")) == []
        tab.ask("Network.clearBrowserCookies")
        tab.run(f"{ROWS}[0].querySelector('button[aria-label^=restart]').click()")
        tab.until("document.querySelector('footer').innerText.includes('not been let in')", "401")
