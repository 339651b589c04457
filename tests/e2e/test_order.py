"""Who starts after whom, who stops before whom, and what waiting looks like from outside."""

from __future__ import annotations

import concurrent.futures
import json
import re
import signal
import time
from typing import Any

import pytest

from tests.support.project import SOON, Project, end, free_ports, until

pytestmark = pytest.mark.real

# Each notes in `order` when it starts and when it goes.
NOTES = "note() { echo \"$1 $RPX_NAME\" >> order; }; note up; trap 'note down; exit 0' TERM;"
SHOP = f"""
listen: {{http_port: HTTP_PORT}}
proxies:
  - to: web.localhost
    from: PORT_WEB
    start: "{NOTES.replace('"', chr(92) + '"')} PYTHON APPS/ok.py & wait $!; note down"
    depends_on: [db, migrate]
processes:
  db:
    command: "{NOTES.replace('"', chr(92) + '"')} touch db-up; while :; do sleep 0.05; done"
    ready: {{command: test -e open}}
  migrate: {{command: "echo up migrate >> order; test -e well", oneshot: true, depends_on: [db]}}
"""


@pytest.fixture
def shop(project: Project) -> Project:
    [port] = free_ports(1)
    project.write(SHOP, PORT_WEB=str(port))
    return project


def order(project: Project) -> list[str]:
    file = project.folder / "order"
    return file.read_text().splitlines() if file.exists() else []


def row(project: Project, name: str) -> dict[str, Any]:
    """The row of a service, with nothing in it before rpx is there."""
    rows: list[dict[str, Any]] = project.ps()
    return next((each for each in rows if each["name"] == name), {})


def test_it_starts_in_order_and_stops_in_reverse_with_a_request_under_way(shop: Project) -> None:
    (shop.folder / "well").touch()
    with shop.up(ready=False) as process, concurrent.futures.ThreadPoolExecutor() as pool:
        until((shop.folder / "db-up").exists, "db runs")
        assert order(shop) == ["up db"]
        assert {each["name"]: each["state"] for each in shop.ps()} == {
            "web": "waiting",
            "db": "starting",
            "migrate": "waiting",
        }
        held = pool.submit(shop.get, "web.localhost")  # waits for a service that waits
        (shop.folder / "open").touch()
        until(shop.all_ready, "all ready")
        assert held.result().status_code == 200
        assert order(shop) == ["up db", "up migrate", "up web"]
        answer = pool.submit(shop.get, "web.localhost", "/until?file=enough")
        until(lambda: row(shop, "web")["in_flight"] == 1, "in flight")
        process.send_signal(signal.SIGINT)
        shop.until_said("stopping: ")
        (shop.folder / "enough").touch()
        assert answer.result().status_code == 200
        assert process.wait(SOON) == 130
    assert order(shop)[3:] == ["down web", "down db"]


def test_what_fails_for_good_keeps_its_dependants_down_until_it_comes_right(shop: Project) -> None:
    (shop.folder / "open").touch()
    with shop.up(ready=False):
        until(lambda: shop.states().get("migrate") == "failed", "migrate has failed")
        shop.until_said("does not start: it waits for migrate (failed: exited with status 1")
        [waits] = [each for each in shop.ps() if each["name"] == "web"]
        assert waits["state"] == "waiting"
        assert [(o["name"], o["hopeless"]) for o in waits["waiting_for"]] == [("migrate", True)]
        answer = shop.get("web.localhost", headers={"Accept": "application/json"})
        assert answer.status_code == 503  # at once: it is not worth waiting for
        assert "waiting for migrate (failed" in answer.json()["backends"][0]["state"]
        [why] = json.loads(shop.rpx("why", "web", "--json").stdout)
        assert why["hint"] == "`rpx start migrate` tries again"
        restart = shop.rpx("restart", "web", timeout=SOON)
        assert restart.returncode == 1
        assert " does not start: it waits for migrate (failed" in restart.stdout
        assert restart.stdout.endswith("; `rpx start migrate` starts that\n")
        assert answer.json()["hint"].startswith("`rpx start migrate` starts what is waited for")
        (shop.folder / "well").touch()
        assert shop.rpx("start", "migrate").returncode == 0
        until(shop.all_ready, "all ready")
        assert shop.get("web.localhost").status_code == 200


def test_a_restart_of_what_waits_makes_no_second_copy(shop: Project) -> None:
    (shop.folder / "well").touch()
    with shop.up(ready=False), concurrent.futures.ThreadPoolExecutor() as pool:
        until((shop.folder / "db-up").exists, "db runs")
        orders = [pool.submit(shop.rpx, verb, "web") for verb in ("restart", "start", "restart")]
        time.sleep(0.5)  # that nothing happens can only be waited for
        assert row(shop, "web")["state"] == "waiting"
        (shop.folder / "open").touch()
        assert [done.result().returncode for done in orders] == [0, 0, 0]
        assert order(shop).count("up web") <= 3  # a restart that came late is one more, in turn
        assert order(shop).count("up web") - order(shop).count("down web") == 1


def test_a_stop_ends_the_wait(shop: Project) -> None:
    with shop.up(ready=False):
        until(lambda: row(shop, "web").get("state") == "waiting", "web waits")
        assert shop.rpx("stop", "web").returncode == 0
        (shop.folder / "well").touch()
        (shop.folder / "open").touch()
        until(lambda: row(shop, "migrate")["state"] == "completed", "migrate is through")
        assert row(shop, "web")["state"] == "stopped"
        assert "up web" not in order(shop)


def test_stubborn_ones_stop_at_the_same_time_level_by_level(project: Project) -> None:
    stubborn = "{command: PYTHON APPS/ignore_term.py, stop_grace_period: 1s"
    project.write(
        f"processes:\n  base: {stubborn}}}\n"
        + "".join(f"  s{n}: {stubborn}, depends_on: [base]}}\n" for n in range(4))
    )
    with project.up() as process:
        until(lambda: project.said().count("ignores") == 5, "all deaf")
        began = time.monotonic()
        assert end(process, signal.SIGINT) == 130
        assert time.monotonic() - began >= 2  # each level had its second
    # All of a level are asked before the first of it has gone, and the next level only then.
    events = re.findall(r"\| (\w+) (stopping|stopped: killed by SIGKILL)", project.said())
    assert [what for _, what in events[:4]] == ["stopping"] * 4
    assert {name for name, _ in events[:4]} == {name for name, _ in events[4:8]}
    assert [name for name, _ in events[8:]] == ["base", "base"]


SLEEP = "command: sleep 60, stop_grace_period: 60s"
WAITING = {
    "for a dependency": f"{{{SLEEP}, depends_on: [never]}}",
    "in backoff": "{command: exit 1, restart: {backoff: {initial: 60s}}}",
    "for a command that hangs": f"{{{SLEEP}, ready: {{command: sleep 60}}}}",
    "for a page that hangs": f"{{{SLEEP}, ready: {{http: 'http://localhost:PORT_DEAF/'}}}}",
    "for a log line": f"{{{SLEEP}, ready: {{log: ready}}}}",
}


@pytest.mark.parametrize("what", WAITING)
def test_ctrl_c_works_while_something_waits(project: Project, what: str) -> None:
    [deaf] = free_ports(1)
    listen = f"import socket, time; s = socket.create_server(('127.0.0.1', {deaf})); time.sleep(60)"
    project.write(
        f"processes:\n  app: {WAITING[what]}\n"
        f'  deaf: {{command: [PYTHON, -c, "{listen}"], stop_grace_period: 60s}}\n'
        f"  never: {{{SLEEP}, ready: {{log: never}}}}\n",
        PORT_DEAF=str(deaf),
    )
    with project.up(ready=False) as process:
        until(lambda: project.states().get("deaf") == "ready", "begun")
        state = {"for a dependency": "waiting", "in backoff": "backoff"}.get(what, "starting")
        until(lambda: project.states().get("app") == state, state)
        assert end(process, signal.SIGINT) == 130  # nothing of it takes a minute
        assert project.survivors() == []


def test_a_second_ctrl_c_asks_for_no_order(project: Project) -> None:
    stubborn = "command: PYTHON APPS/ignore_term.py, stop_grace_period: 60s"
    project.write(
        f"processes:\n  base: {{{stubborn}, stop_command: sleep 60}}\n"
        f"  middle: {{{stubborn}, depends_on: [base]}}\n"
        f"  top: {{{stubborn}, depends_on: [middle]}}\n"
    )
    with project.up() as process:
        until(lambda: project.said().count("ignores") == 3, "all deaf")
        process.send_signal(signal.SIGINT)
        project.until_said("waiting for top")
        assert end(process, signal.SIGINT) == 130  # of a grace period of 60 s
        assert project.survivors() == []
