"""A browser with tabs of three projects behind one door: kept connections, live reload, ends."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack

import pytest

from tests.support.browser import Browser, Tab, browser, needs_chromium
from tests.support.machine import Machine
from tests.support.project import SOON, Project, supervisor, until

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]
TEXT = """
name: NAME
https: HTTPS
proxies:
  - {to: NAME.localhost, from: "localhost:ONE", start: PYTHON APPS/ok.py}
  - {to: NAME.localhost/live, name: live, from: "localhost:TWO", start: PYTHON APPS/ws_echo.py}
"""
# As the clients of dev servers do: a socket to where the page is from, and again when it has gone.
LIVE = """
window.ends = 0; window.heard = [];
(function begin() {
  const socket = window.live = new WebSocket(location.origin.replace("http", "ws") + "/live");
  socket.onmessage = message => heard.push(message.data);
  socket.onclose = () => { ends += 1; setTimeout(begin, 100); };
})()
"""
# Requests that share connections, as a page's modules do: which backend answers them?
MODULES = """
Promise.all(Array.from({length: 20}, (_, i) => fetch("/?m=" + i).then(r => r.json())))
  .then(all => [...new Set(all.map(each => each.port))])
"""


class Page:
    """A tab of a project, in which its client for live reload runs."""

    def __init__(self, machine: Machine, chromium: Browser, name: str, scheme: str) -> None:
        self.name = name
        self._port = machine.ports[name]
        port = machine.http if scheme == "http" else machine.https
        self.url = f"{scheme}://{name}.localhost:{port}/"
        self.tab = chromium.open(self.url)
        self._words = 0
        self.tab.run(LIVE)
        self.is_live()

    def is_live(self) -> None:
        """Its socket carries something to and fro, and its modules come from its project."""
        self.tab.until("live.readyState == 1", f"{self.name} is connected")
        self._words += 1
        word = f"{self.name} {self._words}"
        self.tab.run(f"live.send({word!r})")
        self.tab.until(f"heard.includes({word!r})", f"{self.name} is live")
        assert self.tab.run(MODULES) == [self._port]

    @property
    def ends(self) -> int:
        """How often its socket has ended."""
        found: int = self.tab.run("ends")
        return found

    def reload(self) -> None:
        """As by the key."""
        self.tab.go(self.url)
        assert self.tab.run("location.href") == self.url
        self.tab.run(LIVE)
        self.is_live()


def shows(tab: Tab, text: str) -> None:
    tab.until(f"document.body.innerText.includes({text!r})", text)


def test_tabs_of_three_projects_stay_live_whoever_restarts_or_is_killed(machine: Machine) -> None:
    shop, wiki = (machine.project(name, TEXT.replace("HTTPS", "true")) for name in ("shop", "wiki"))
    blog = machine.project("blog", TEXT.replace("HTTPS", "false"))
    with ExitStack() as stack:
        for project in (shop, blog):
            stack.enter_context(project.up(ready=False))
        running = stack.enter_context(wiki.up(ready=False))
        chromium = stack.enter_context(browser(shop.folder))
        for project in (shop, blog, wiki):
            project.until_ready()
        schemes = {"shop": "https", "blog": "http", "wiki": "https"}
        pages = [Page(machine, chromium, *each) for each in schemes.items()]
        everything = chromium.open(f"http://localhost:{machine.http}/")
        for page in pages:
            shows(everything, page.url.rstrip("/"))

        _the_door_is_killed(machine, pages)
        os.kill(supervisor(running).pid, signal.SIGKILL)
        running.wait(SOON)
        others, gone = pages[:2], pages[2]
        tabs = _it_says_what_to_type(machine, chromium, gone, wiki)
        stack.enter_context(wiki.up(ready=False))
        for tab in tabs:
            tab.until(f"location.href == {gone.url!r}", "it comes by itself, and with TLS")
            shows(tab, f'"port": {machine.ports["wiki"]}')
        for page in others:
            assert page.ends == 0
            page.is_live()
        gone.is_live()
        assert gone.ends > 0


def _the_door_is_killed(machine: Machine, pages: list[Page]) -> None:
    before = machine.door
    os.kill(before, signal.SIGKILL)
    for page in pages:
        page.is_live()
        assert page.ends == 0
    until(lambda: machine.door not in {0, before}, "another door")
    for page in pages:
        page.reload()


def _it_says_what_to_type(
    machine: Machine, chromium: Browser, page: Page, project: Project
) -> list[Tab]:
    """Also with TLS, of which another project's process has the connection until this one runs."""
    urls = (page.url, f"http://{page.name}.localhost:{machine.http}/")
    tabs = [chromium.open(url) for url in urls]
    for tab in tabs:
        shows(tab, f"cd {project.folder} && rpx up")
    return tabs
