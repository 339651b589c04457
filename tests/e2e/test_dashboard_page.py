"""The dashboard in a browser: it shows what `rpx ps` says, and its buttons do what they say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.browser import Tab, browser, needs_chromium
from tests.support.machine import Machine
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.programs, needs_chromium]

HERE = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
ROWS = "[...document.querySelectorAll('tr[data-copy]')]"


@contextmanager
def dashboard(project: Project) -> Iterator[Tab]:
    """The dashboard of a running project, in a tab that was let in."""
    with browser(project.folder, HERE) as chromium:
        tab = chromium.open(project.rpx("open", "--dashboard", "--print").stdout.strip())
        tab.until(f"{ROWS}.length > 0", "the rows")
        yield tab


def dashboard_too(tab: Tab) -> Tab:
    """A second window of the same browser."""
    other = tab.another(f"{tab.run('location.origin')}/")
    other.until(f"{ROWS}.length > 0", "the rows")
    return other


def press(tab: Tab, label: str, button: str) -> None:
    """Press a button in the row of a copy."""
    tab.run(
        f"{ROWS}.find((row) => row.dataset.copy === {json.dumps(label)})"
        ".querySelectorAll('button')"
        f".forEach((b) => b.textContent.trim() === '{button}' && b.click())"
    )


def key(tab: Tab, pressed: str) -> None:
    """Press a key somewhere on the page."""
    tab.run(
        f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: {json.dumps(pressed)},"
        " bubbles: true, cancelable: true}))"
    )


def shown(tab: Tab) -> dict[str, list[str]]:
    """The rows of the table: label → cells."""
    cells = "[...row.children].slice(1).map((cell) => cell.innerText.trim())"
    rows: list[list[Any]] = tab.run(f"{ROWS}.map((row) => [row.dataset.copy, {cells}])")
    return dict(rows)


def test_the_page_shows_what_ps_says_and_steers_real_processes(project: Project) -> None:
    first, _ = project.copies(2, "processes: {worker: {command: echo hello; sleep 1000}}\n")
    one = f"api:{first}"
    with project.up(), dashboard(project) as tab:
        rows = {row["label"]: row for row in project.ps()}
        assert list(shown(tab)) == list(rows)
        assert shown(tab)[one][-2] == str(rows[one]["restarts"])

        press(tab, "worker", "restart")
        tab.until("document.querySelector('footer').innerText.includes('worker restarted')", "it")
        assert "rpx restart worker" in tab.run("document.querySelector('footer code').innerText")
        assert (
            until(lambda: {r["label"]: r for r in project.ps()}["worker"]["pid"], "a pid")
            != (rows["worker"]["pid"])
        )
        press(tab, one, "pause")
        until(lambda: not {r["label"]: r for r in project.ps()}[one]["in_rotation"], "it is out")
        tab.until(f"{ROWS}[0].innerText.includes('paused')", "the page says so")
        press(tab, one, "resume")
        press(tab, "worker", "stop")
        until(lambda: project.states()["worker"] == "stopped", "it has stopped")
        press(tab, one, "kill")
        tab.until(f"{ROWS}[0].querySelectorAll('td')[8].innerText === '1'", "its restart is shown")

        for name in ("one", "two", "style.css"):
            project.get("api.localhost", f"/{name}")
        key(tab, "r")
        request = "document.querySelectorAll('.window .request')"
        tab.until(f"{request}.length === 2", "requests, but for the file")
        assert "assets and HMR (1)" in tab.run("document.querySelector('.bar').innerText")
        key(tab, "j")
        tab.until("document.querySelector('.drawer h2')?.innerText === 'GET /one'", "the drawer")
        [row] = json.loads(project.rpx("requests", "--json", "path:/one").stdout)
        assert tab.run("location.search") == f"?id={row['id']}"
        tab.go(str(tab.run("location.href")))  # a copied address shows the same
        tab.until("document.querySelector('.drawer h2')?.innerText === 'GET /one'", "the drawer")
        assert row["label"] in tab.run("document.querySelector('.tries').innerText")
        tab.run("history.pushState(null, '', '/requests?q=staus:5xx'); history.go(0)")
        tab.until("!!document.querySelector('.mistake')?.innerText.includes('status')", "a mistake")
        key(tab, "n")
        tab.until(f"{ROWS}.length === 3", "the first screen again")

        key(tab, "j")
        assert tab.run("location.search") == f"?copy=api%3A{first}"
        key(tab, "l")
        tab.until("document.querySelector('.window')?.innerText.includes('hello')", "output")
        assert tab.run("location.pathname") == "/logs"
        key(tab, "d")
        tab.until(
            "document.querySelector('.command code').innerText === 'rpx drill api'", "a drill"
        )
        key(tab, "n")
        tab.until(f"{ROWS}.length === 3", "the first screen again")
        project.rpx("down")
        tab.until("document.querySelector('.how').innerText === 'ended'", "it has ended")


def milliseconds(value: float) -> str:
    return f"{value:.1f} ms" if value < 10 else f"{int(value + 0.5)} ms"


def size(count: int) -> str:
    number, unit = float(count), 0
    while number >= 1000 and unit < 3:
        number, unit = number / 1024, unit + 1
    shown = f"{number:.1f}" if unit and number < 100 else f"{int(number + 0.5)}"
    return f"{shown} {('B', 'KB', 'MB', 'GB')[unit]}"


def expected(project: Project) -> dict[str, list[str]]:
    """What commands say in this moment, as the page writes it: p50 and p99 to memory, restarts."""
    stats = json.loads(project.rpx("stats", "--json").stdout)
    cells = {}
    for row in json.loads(project.rpx("ps", "--json").stdout):
        figures = stats.get(row["place"], {}).get(row["backend"])
        times = (
            f"{milliseconds(figures['p50'])} / {milliseconds(figures['p99'])}" if figures else "–"
        )
        counted = [
            str(figures[name]) if figures else "–" for name in ("errors", "inFlight", "held")
        ]
        memory = size(row["memory"]) if row["memory"] else "–"
        cells[row["label"]] = [times, *counted, memory, str(row["restarts"])]
    return cells


def test_a_service_is_scaled_and_drilled_by_its_buttons(project: Project) -> None:
    project.write(
        "name: shop\nlisten: {http_port: HTTP_PORT}\n"
        "proxies: [{to: api.localhost, replicas: 2, start: PYTHON APPS/ok.py}]"
    )
    with project.up(), dashboard(project) as tab:
        labels = list(shown(tab))
        button = "document.querySelector('[aria-label=\"one copy of api {}\"]')"
        tab.run(f"{button.format('more')}.click()")
        tab.until(f"{ROWS}.length === 3", "a third copy")
        assert len(project.ps()) == 3
        assert "rpx scale api=3" in tab.run("document.querySelector('footer code').innerText")
        until(project.all_ready, "it is ready")
        tab.run(f"{button.format('less')}.click()")
        until(lambda: [row["label"] for row in project.ps()] == labels, "it is gone")
        tab.until(f"{ROWS}.length === 2", "it is gone")
        tab.run("document.querySelector('[aria-label=\"drill api\"]').click()")
        tab.until("location.pathname + location.search === '/drills?service=api'", "the form")
        tab.run("history.replaceState(null, '', '/drills?service=api&duration=30&rate=20')")
        tab.run("dispatchEvent(new PopStateEvent('popstate'))")
        command = "document.querySelector('form .command code').innerText"
        tab.until(f"{command} === 'rpx drill api --rate 20 --duration 30s'", "its command")
        tab.run("document.querySelector('form [type=submit]').click()")
        tab.until("document.querySelector('progress')?.value > 0.2", "how far it is")
        assert tab.run("document.querySelectorAll('.chart rect').length") > 0
        stop = "[...document.querySelectorAll('button')].find((b) => b.innerText === 'Stop')"
        tab.run(f"{stop}.click()")
        tab.until("document.querySelector('.report h3')?.innerText.includes('stopped')", "a report")
        report = json.loads(json.dumps(tab.run("document.querySelector('.report').innerText")))
        assert "rpx drill api --rate 20 --duration 30s" in report


def test_every_number_is_what_ps_and_stats_say_in_that_moment(project: Project) -> None:
    first, _ = project.copies(2, "processes: {worker: {command: sleep 1000}}\n")
    with project.up(), dashboard(project) as tab:
        other = dashboard_too(tab)
        for number in range(60):
            project.get("api.localhost", "/status?c=503" if number % 7 == 0 else "/")
        project.rpx("restart", "worker")
        project.rpx("kill-backend", str(first))
        until(project.all_ready, "it is back")

        def same() -> bool:
            found = expected(project)
            return all(
                {label: [*cells[2:6], *cells[7:9]] for label, cells in shown(page).items()} == found
                for page in (tab, other)
            )

        until(same, "both pages say what commands say")
        assert {label: cells[0].split()[1] for label, cells in shown(tab).items()} == {
            row["label"]: row["state"] for row in project.ps()
        }
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(project.get, "api.localhost", "/until?file=there")
            until(lambda: sum(int(c[4]) for c in shown(tab).values() if c[4] != "–"), "in flight")
            (project.folder / "there").touch()
            assert waiting.result().status_code == 200
        tab.until(f"!{ROWS}.some((row) => row.children[5].innerText === '1')", "none is under way")

        worker = f"{ROWS}.find((row) => row.dataset.copy === 'worker').innerText"
        other.ask("Target.createTarget", url="about:blank")
        hidden = other if other.run("document.hidden") else tab
        seen = tab if hidden is other else other
        hidden.until("document.hidden", "a tab that nobody sees")
        project.rpx("stop", "worker")
        seen.until(f"{worker}.includes('stopped')", "who looks is told")
        assert "ready" in hidden.run(worker)
        hidden.ask("Page.bringToFront")
        hidden.until(f"{worker}.includes('stopped')", "it catches up")


def test_projects_behind_one_door_are_tabs(machine: Machine) -> None:
    shop, blog = machine.project("shop"), machine.project("blog")
    with shop.up(), blog.up(), dashboard(shop) as tab:
        tabs = "[...document.querySelectorAll('.projects > :not(.all)')]"
        tab.until(f"{tabs}.length === 2", "a tab for each")
        assert tab.run(f"{tabs}.map((t) => t.innerText.match(/blog|shop/)[0])") == ["blog", "shop"]
        assert tab.run(f"{tabs}[1].ariaCurrent") == "page"
        tab.run(f"{tabs}[0].click()")
        tab.until("location.hostname === 'blog.rpx.localhost'", "the other dashboard")
        tab.until(f"{ROWS}.length > 0", "it lets the browser in")
        tab.go(f"http://rpx.localhost:{machine.http}/")
        names = str(tab.run("document.body.innerText"))
        assert "blog" in names
        assert "shop" in names
        assert tab.run("[...document.links].filter((a) => a.innerText == 'Dashboard').length") == 2
