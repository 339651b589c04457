"""A headless Chromium, where there is one."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
from websockets.sync.client import ClientConnection, connect

from tests.support.project import SOON, until

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server"),
    *("--disable-dev-shm-usage", "--ignore-certificate-errors"),
)
NETWORK_CHANGED = "net::ERR_NETWORK_CHANGED"
needs_chromium = pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not here")


async def dom(url: str, home: Path, *options: str, done: str) -> str:
    """Return a page once the script `done` comes to something true in it, whoever has certified it.

    Not by `--dump-dom`, which prints also what has not been loaded to its end.
    """

    def read() -> str:
        with browser(home, *options) as chromium:
            tab = chromium.open(url)
            try:
                tab.until(done, "the page is as it is to be")
            except AssertionError:  # what it had asked for went with a network: see `go`
                tab.go(url)
                tab.until(done, "the page is as it is to be")
            return str(tab.run("document.documentElement.outerHTML"))

    return await trio.to_thread.run_sync(read)


class Browser:
    """A Chromium with tabs, steered by its debugging protocol."""

    def __init__(self, wire: ClientConnection) -> None:
        self._wire = wire
        self._number = 0

    def ask(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as the protocol has it
        """Have something done; return what it says."""
        self._number += 1
        asked = {"id": self._number, "method": method, "params": params}
        self._wire.send(json.dumps(asked | ({"sessionId": session} if session else {})))
        while (said := json.loads(self._wire.recv(SOON))).get("id") != self._number:
            pass  # it tells of much that nobody has asked for
        assert "result" in said, said
        found: dict[str, Any] = said["result"]
        return found

    def open(self, url: str, *, window: bool = False) -> Tab:
        """A tab with that page, once it has been loaded; `window`: in a window of its own."""
        target = self.ask("Target.createTarget", url="about:blank", newWindow=window)["targetId"]
        found = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        tab = Tab(self, found["sessionId"])
        tab.go(url)
        return tab


class Tab:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def ask(self, method: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401 - as the protocol has it
        """Have something done with this tab; return what the browser says."""
        return self._browser.ask(method, self._session, **params)

    def another(self, url: str) -> Tab:
        """Open a page in a window beside this one, so that both are seen."""
        return self._browser.open(url, window=True)

    def go(self, url: str) -> None:
        """Load a page, again where a network of this machine (a container's) has come or gone."""
        said: dict[str, Any] = {"errorText": NETWORK_CHANGED}
        while said.get("errorText") == NETWORK_CHANGED:
            said = self._browser.ask("Page.navigate", self._session, url=url)
        assert "errorText" not in said, (url, said)
        self.until("document.readyState == 'complete' && location.href != 'about:blank'", url)

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever it comes to
        """Run a script in its page; return what it, or its promise, comes to."""
        said = self._browser.ask(
            "Runtime.evaluate",
            self._session,
            expression=script,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in said, (script, said)
        return said["result"].get("value")

    def until(self, script: str, what: str) -> None:
        """Wait until a script comes to something true, also while the page changes."""

        def true() -> bool:
            try:
                return bool(self.run(script))
            except AssertionError:
                return False  # that page has just gone

        until(true, f"{what}: {script}")


@contextmanager
def browser(home: Path, *options: str) -> Iterator[Browser]:
    """Start a Chromium, whoever has certified what it shows; at the end it is gone."""
    profile = home / "profile"
    place = profile / "DevToolsActivePort"
    place.unlink(missing_ok=True)  # of the last one
    process = subprocess.Popen(
        ("chromium", *OPTIONS, *options, f"--user-data-dir={profile}", "--remote-debugging-port=0"),
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port, path = until(
            lambda: place.exists() and len(said := place.read_text().split()) == 2 and said,
            "a browser",
        )
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, proxy=None) as wire:
            yield Browser(wire)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(SOON)
