"""Requests on the dashboard, in a browser: the filter, the drawer, and what its buttons do."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.support.axe import Scheme, prefer, violations
from tests.support.browser import Tab, browser, needs_chromium
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]

HERE = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
DRAWER = "document.querySelector('.drawer')"
INPUT = "document.getElementById('filter')"


def sent(project: Project, method: str, path: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
    url = f"http://127.0.0.1:{project.http_port}{path}"
    headers = {"Host": "api.localhost", **more.pop("headers", {})}
    return httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **more)


def passed(project: Project, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(project.rpx("requests", "--json", *words).stdout)
    return found


def press(tab: Tab, key: str, on: str = "document.body") -> None:
    tab.run(
        f"{on}.dispatchEvent(new KeyboardEvent('keydown',"
        f" {{key: {json.dumps(key)}, bubbles: true, cancelable: true}}))"
    )


def write(tab: Tab, text: str) -> None:
    tab.run(
        f"{INPUT}.focus(); {INPUT}.value = {json.dumps(text)};"
        f"{INPUT}.setSelectionRange({len(text)}, {len(text)});"
        f"{INPUT}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )


def button(tab: Tab, text: str) -> None:
    tab.run(
        f"[...{DRAWER}.querySelectorAll('button')].find((b) => b.innerText === '{text}').click()"
    )


def offered(tab: Tab) -> list[str]:
    found: list[str] = tab.run(
        "[...document.querySelectorAll('#offered code')].map((e) => e.innerText)"
    )
    return found


def test_requests_are_found_looked_into_and_sent_again(project: Project) -> None:
    _, second = project.copies(2)
    with project.up(), browser(project.folder, HERE) as chromium:
        sent(project, "POST", "/echo", content=b"unseen")
        tab = chromium.open(project.rpx("open", "--dashboard", "--print").stdout.strip())
        tab.go(str(tab.run("location.origin")) + "/requests")
        tab.until("document.querySelectorAll('.window .request').length === 1", "the first")
        sent(
            project,
            "POST",
            "/echo",
            json={"a": [1, {"b": None}], "n": 1},
            headers={"Cookie": "s=1"},
        )
        sent(project, "POST", "/echo", content=b"\xff\x00\x01", headers={"Content-Type": "x/y"})
        sent(project, "GET", "/status?c=404")
        sent(project, "GET", "/app.js")
        tab.until("document.querySelectorAll('.window .request').length === 4", "all but noise")
        tab.until("document.querySelector('.bar').innerText.includes('HMR (1)')", "it is counted")

        # words are suggested: those there are, then values that were seen
        write(tab, "sta")
        tab.until("document.querySelectorAll('#offered li').length === 1", "a word")
        assert offered(tab) == ["status:"]
        press(tab, "ArrowDown", INPUT)
        press(tab, "Enter", INPUT)
        tab.until("document.querySelectorAll('#offered li').length > 3", "its values")
        assert {"status:404", "status:200", "status:5xx"} <= set(offered(tab))
        write(tab, "status:4")
        tab.until(
            "[...document.querySelectorAll('#offered code')][0].innerText === 'status:404'", ""
        )
        press(tab, "ArrowDown", INPUT)
        press(tab, "Tab", INPUT)
        tab.until("location.search === '?q=status%3A404'", "the filter is in the address")
        tab.until("document.querySelectorAll('.window .request').length === 1", "one is left")
        write(tab, "-path:")
        tab.until("document.querySelectorAll('#offered li').length > 0", "paths that were seen")
        write(tab, "")
        press(tab, "Enter", INPUT)
        tab.until("document.querySelectorAll('.window .request').length === 4", "all again")

        # the drawer: what was kept of both bodies, in its best form
        unseen, asked, raw, missing = passed(project, "-path:*.js")
        tab.go(f"{tab.run('location.origin')}/requests?id={asked['id']}")
        tab.until(f"{DRAWER}?.querySelectorAll('.tree').length === 2", "two trees")
        text = str(tab.run(f"{DRAWER}.innerText"))
        assert "•••" in text
        assert "s=1" not in text
        assert f"pid {asked['pid']}" in text
        button(tab, "hex")
        tab.until(f"!!{DRAWER}.querySelector('pre.hex')", "bytes")
        har = "[...document.querySelectorAll('.drawer a')].find((a) => a.innerText === 'HAR').href"
        assert tab.run(f"fetch({har}).then((r) => r.json()).then((h) => h.log.version)") == "1.2"
        tab.run("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
        button(tab, "Copy as curl")
        tab.until("window.copied?.startsWith('curl ')", "a command")

        # replay: a POST asks before, and both ways reach real backends
        button(tab, "Replay")
        tab.until(f"!!{DRAWER}.querySelector('[role=alertdialog]')", "it asks")
        assert len(passed(project, "path:/echo")) == 3
        button(tab, "Cancel")
        button(tab, "Replay")
        tab.until(f"!!{DRAWER}.querySelector('[role=alertdialog]')", "it asks again")
        button(tab, "Send it again")
        tab.until(
            f"{DRAWER}.querySelector('.answers')?.innerText.includes('the same')", "its answer"
        )
        until(lambda: len(passed(project, "path:/echo")) == 4, "it went through the proxy")
        assert f"rpx replay {asked['id']}" in tab.run("document.querySelector('footer').innerText")
        tab.go(f"{tab.run('location.origin')}/requests?id={missing['id']}")
        tab.until(f"{DRAWER}?.innerText.includes('as you wish')", "another request")
        there = f"{DRAWER}.querySelector('select option[value=\"api:{second}\"]')"
        tab.until(f"!!{there}", "the copies are known")  # they come by another way
        tab.run(
            f"const to = {DRAWER}.querySelector('select'); to.value = 'api:{second}';"
            "to.dispatchEvent(new Event('change', {bubbles: true}))"
        )
        button(tab, "Replay")
        tab.until(
            f"{DRAWER}.querySelector('.answers')?.innerText.includes('from api:{second}')", ""
        )
        assert len(passed(project, "path:/status")) == 1  # past the proxy

        # what is not there says why
        tab.go(f"{tab.run('location.origin')}/requests?id={unseen['id']}")
        tab.until(f"{DRAWER}?.innerText.includes('requests: {{bodies: 64kb}}')", "how to keep it")
        tab.go(f"{tab.run('location.origin')}/requests?id={raw['id']}")
        tab.until(f"{DRAWER}?.querySelectorAll('pre.hex').length === 2", "bytes")
        tab.go(f"{tab.run('location.origin')}/requests?id=99999")
        tab.until(f"{DRAWER}?.innerText.includes('there is no request 99999')", "an id of nobody")

        schemes: tuple[Scheme, ...] = ("light", "dark")
        for scheme in schemes:
            prefer(tab, scheme)
            for request in (asked, unseen, raw):
                tab.go(f"{tab.run('location.origin')}/requests?id={request['id']}")
                tab.until(f"{DRAWER}?.querySelectorAll('.message').length === 2", "the drawer")
                assert violations(tab) == [], scheme
        press(tab, "Escape")
        tab.until(f"!{DRAWER} && location.search === ''", "the drawer is closed")
