"""`python -m tests.pictures FOLDER`: pictures of the dashboard and of `rpx top`, of a project made
for them.

A few services, some traffic, one that has failed; each screen in light and dark, on a desk and on a
phone. Needs Chromium.
"""

from __future__ import annotations

import base64
import json
import math
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import httpx

from tests.support.browser import Tab, browser
from tests.support.project import Project, free_ports, project_in, until

SIZES = {"desk": (1400, 900), "tablet": (900, 900), "phone": (400, 860)}
SCREENS = {
    "now": "/",
    "requests": "/requests",
    "request": "/requests?id=",
    "logs": "/logs",
    "drills": "/drills",
}
ORDER = {
    "order": 4711,
    "customer": {"name": "Ada", "since": 2019},
    "items": [{"sku": "A-1", "count": 2}, {"sku": "B-77", "count": 1}],
    "express": True,
}
SHOP = """
name: shop
listen: {http_port: HTTP_PORT}
proxies:
  - to: shop.localhost
    from: [A, B, C]
    start: PYTHON APPS/ok.py
    routes:
      - {path: "/api/*", strip_prefix: /api, proxy: api}
  - {to: api.localhost, from: [D, E], start: PYTHON APPS/ok.py}
processes:
  worker:
    command: >-
      while :; do echo 'level=info msg="order 4711 was packed" took=12ms';
      echo 'level=warn msg="the queue is 90 % full"'; sleep 1; done
  mail:
    command: echo 'Error - no SMTP server at localhost:1025'; sleep 0.3; exit 1
    restart: {policy: on-failure, max_restarts: 0}
"""


def pictures(folder: Path, only: str = "") -> None:
    """Write all of them, or those whose name has `only` in it."""
    with tempfile.TemporaryDirectory(prefix="t.", dir="/tmp") as place:
        with project_in(Path(place)) as project:
            ports = map(str, free_ports(5))
            project.write(
                SHOP,
                **{f"[{x}": f"[{next(ports)}" for x in "AD"},
                **{f" {x}]": f" {next(ports)}]" for x in "CE"},
                **{" B,": f" {next(ports)},"},
            )
            with project.up(ready=False):
                until(lambda: project.states().get("mail") == "failed", "the mailer fails")
                if only != "terminal":
                    _take(project, folder, only)
                if only in {"", "terminal"}:
                    _take_terminal(project, folder / "terminal.svg")
                project.rpx("down")


def _take(project: Project, folder: Path, only: str) -> None:
    rule = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
    with browser(project.folder, rule) as chromium:
        url = project.rpx("open", "--dashboard", "--print").stdout.strip()
        tab = chromium.open(url)
        tab.until("document.querySelectorAll('tr[data-copy]').length > 4", "the rows are there")
        with _traffic(project):
            if only in "drills":
                _drill(tab, "api")
                _drill(tab, "shop")
            tab.run("new Promise((done) => setTimeout(done, 20000))")  # a line of the last minute
            _shots(project, tab, folder, only)


def _shots(project: Project, tab: Tab, folder: Path, only: str) -> None:
    url, host = f"http://127.0.0.1:{project.http_port}/echo", {"Host": "api.localhost"}
    httpx.post(url, json=ORDER, headers={**host, "Cookie": "session=4711"}, trust_env=False)
    request = json.loads(project.rpx("requests", "--json", "path:/echo").stdout)[-1]["id"]
    for name, path in SCREENS.items():
        for size, extent in SIZES.items():
            for scheme in ("light", "dark"):
                title = f"{name}-{size}-{scheme}"
                if only in title:
                    _one(
                        tab,
                        path.replace("id=", f"id={request}"),
                        folder / f"{title}.png",
                        extent,
                        scheme,
                    )


@contextmanager
def _traffic(project: Project) -> Iterator[None]:
    """Have people visit it meanwhile, in waves; now and then something goes wrong."""
    over = threading.Event()

    def visit() -> None:
        for number in count():
            if over.wait(0.04 + 0.03 * math.sin(number / 40)):
                return
            path = "/status?c=503" if number % 60 == 59 else f"/orders?page={number % 9}"
            project.get("api.localhost" if number % 3 else "shop.localhost", path)
            if number % 5 == 0:
                project.get("shop.localhost", "/api/carts/17")

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _take_terminal(project: Project, file: Path) -> None:
    """In a process that finds this project; under some load, which its figures are of."""
    command = (sys.executable, "-m", "tests.pictures.terminal", str(file))
    with _traffic(project):
        subprocess.run(command, cwd=project.folder, env=project.environment, check=True)


def _drill(tab: Tab, service: str) -> None:
    """Have one run to its end."""
    tab.go(f"{tab.run('location.origin')}/drills?service={service}&duration=3&rate=100")
    start = "[...document.querySelectorAll('button')].find((b) => b.type === 'submit')"
    tab.until(f"{start} && !{start}.disabled && !{start}.click()", "a drill is started")
    tab.until("document.querySelectorAll('progress').length === 1", "it runs")
    tab.until("document.querySelectorAll('progress').length === 0", "it is over")


def _one(tab: Tab, path: str, file: Path, size: tuple[int, int], scheme: str) -> None:
    width, height = size
    tab.ask(
        "Emulation.setDeviceMetricsOverride",
        width=width,
        height=height,
        deviceScaleFactor=1,
        mobile=width < 500,
    )
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.ask("Emulation.setEmulatedMedia", features=features)
    tab.go(str(tab.run("location.origin")) + path)
    tab.until("document.querySelectorAll('main *').length > 8", "the screen is there")
    tab.until("!document.body.innerText.includes('No requests yet')", "the list has come")
    tab.run("new Promise((done) => setTimeout(done, 1500))")  # some seconds of its lines
    file.write_bytes(base64.b64decode(tab.ask("Page.captureScreenshot", format="png")["data"]))


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    pictures(target, *sys.argv[2:3])
