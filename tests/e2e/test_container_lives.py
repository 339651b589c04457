"""Orders, load, health, reloads and builds of containers."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.e2e.test_containers import inspected, name_of, row, write
from tests.support import engine
from tests.support.engine import IMAGE, podman
from tests.support.load import Load
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.engine]


@pytest.mark.thorough
def test_under_load_no_request_is_lost_by_kills_restarts_and_reloads(shop: Project) -> None:
    proxies = """
  - to: web.localhost
    from: localhost:PORT_A
    hold: 60s
    start: {image: IMAGE, port: 80, env: {GREETING: ONE}}
  - to: many.localhost
    start: {image: IMAGE, port: 80}
"""
    write(shop, proxies)
    text = (shop.folder / "rpx.yaml").read_text()
    with shop.up(), Load(shop.http_port, "web.localhost", path="/cgi-bin/slow") as load:
        load.wait_for(10)
        assert shop.rpx("kill-backend", "web").returncode == 0
        load.wait_for(10)

        with ThreadPoolExecutor(20) as pool:
            list(pool.map(lambda _: shop.rpx("restart", "web", timeout=120), range(20)))
        until(shop.all_ready, "ready again")
        load.wait_for(10)
        name = name_of(shop, "web")
        assert {each for each in engine.names(shop.folder.name) if "-web-" in each} == {name}
        assert inspected(name)["State"]["Pid"] == row(shop, "web")["pid"]

        other = row(shop, "many")["pid"]
        (shop.folder / "rpx.yaml").write_text(text.replace("ONE", "TWO"))
        assert shop.rpx("reload").returncode == 0
        assert "GREETING=TWO" in inspected(name)["Config"]["Env"]
        podman("tag", IMAGE, "localhost/rpx-test:2")
        another = text.replace("ONE", "TWO").replace(IMAGE, "localhost/rpx-test:2", 1)
        (shop.folder / "rpx.yaml").write_text(another)
        assert "image" in shop.rpx("reload").stdout
        assert inspected(name)["ImageName"] == "localhost/rpx-test:2"
        assert row(shop, "many")["pid"] == other

        assert shop.rpx("scale", "many=3").returncode == 0
        until(shop.all_ready, "three copies")
        assert {each for each in engine.names(shop.folder.name) if "-many-" in each} == {
            name_of(shop, "many", number) for number in (1, 2, 3)
        }
        heard = {shop.get("many.localhost", "/cgi-bin/slow").text for _ in range(9)}
        assert len(heard) == 3
        assert shop.rpx("scale", "many=1").returncode == 0
        assert len(engine.names(shop.folder.name)) == 2
        load.wait_for(10)
    assert not load.failures


def test_commands_run_inside_and_a_sick_container_is_replaced(shop: Project) -> None:
    write(
        shop,
        "",
        """
  sick:
    image: IMAGE
    command: [sh, -c, "sleep 0.3; touch /tmp/up; exec sleep 1000"]
    ready: {command: "test -e /tmp/up && test ! -e /etc/os-release"}
    health_check: {command: "test ! -e /tmp/sick", interval: 100ms, unhealthy_threshold: 2}
  job: {image: IMAGE, command: [sh, -c, "echo $WORD"], env: {WORD: done}, oneshot: true}
  failing: {image: IMAGE, command: "false", oneshot: true}
  stubborn:
    image: IMAGE
    command: [sh, -c, "trap '' TERM; while :; do sleep 0.1; done"]
    stop_grace_period: 500ms
    depends_on: {job: {condition: completed}}
  terminal:
    image: IMAGE
    command: [sh, -c, "test -t 0 && test -t 1 && echo at $(id); exec sleep 1000"]
    tty: true
    user: "1000"
  polite:
    image: IMAGE
    command: [sh, -c, "while [ ! -e /tmp/end ]; do sleep 0.05; done; echo by command"]
    stop_command: touch /tmp/end
""",
    )
    with shop.up(ready=False):
        wanted = {"sick": "ready", "job": "completed", "failing": "failed"}
        wanted |= {"stubborn": "ready", "polite": "ready", "terminal": "ready"}
        until(lambda: shop.states() == wanted, f"as they should be: {shop.states()}")
        shop.until_said("| done")
        shop.until_said("| at uid=1000")
        assert shop.rpx("run", "sick", "ls /tmp/up").stdout == "/tmp/up\n"
        assert shop.rpx("run", "sick", "--", "sh", "-c", "exit 7").returncode == 7
        assert "`rpx run sick sh`" in shop.rpx("run", "sick").stderr
        assert shop.rpx("run", "failing", "true").returncode == 3
        assert shop.rpx("run", "sick", "touch", "/tmp/sick").returncode == 0
        until(lambda: row(shop, "sick")["restarts"] == 1, "replaced")
        until(lambda: shop.states()["sick"] == "ready", "well again")
        assert shop.rpx("stop", "polite").returncode == 0
        shop.until_said("by command")
        stubborn = row(shop, "stubborn")["pid"]
        assert shop.rpx("stop", "stubborn").returncode == 0
        assert not psutil.pid_exists(stubborn)
        assert shop.rpx("start", "stubborn").returncode == 0
        stubborn = row(shop, "stubborn")["pid"]
        assert shop.rpx("kill-backend", "stubborn", "--no-restart").returncode == 0
        until(lambda: not psutil.pid_exists(stubborn), "gone")
        left = {name_of(shop, "sick"), name_of(shop, "terminal")}
        assert engine.names(shop.folder.name) == left


SLOW = """\
#!/bin/sh
PATH=${PATH#*:}
case "$*" in
  "pull localhost/slow:1")
    echo "Copying blob 1 of 2" >&2; sleep 1.5
    [ -e NEVER ] && exec sleep 1000
    echo "Copying blob 2 of 2" >&2; exec podman tag IMAGE localhost/slow:1;;
esac
exec podman "$@"
"""


@pytest.mark.thorough
def test_pulling_is_shown_is_not_late_and_can_be_stopped(shop: Project) -> None:
    never = shop.folder / "never"
    tool = shop.folder / "tools" / "podman"
    tool.parent.mkdir()
    tool.write_text(SLOW.replace("IMAGE", IMAGE).replace("NEVER", str(never)))
    tool.chmod(0o755)
    shop.environment["PATH"] = f"{tool.parent}:{os.environ['PATH']}"
    ready = "ready: {delay: 10ms, timeout: 1s}"
    write(shop, "", f"\n  db: {{image: 'localhost/slow:1', command: sleep 1000, {ready}}}")
    podman("rmi", "-f", "localhost/slow:1", check=False)
    try:
        with shop.up():
            shop.until_said("db its image localhost/slow:1 is not here: pulling it")
            shop.until_said("db  | Copying blob 2 of 2")
            assert row(shop, "db")["restarts"] == 0
        podman("rmi", "-f", "localhost/slow:1")
        never.touch()
        with shop.up(ready=False):
            shop.until_said("db  | Copying blob 1 of 2")
            assert shop.states() == {"db": "starting"}
            assert shop.rpx("stop", "db").returncode == 0
            assert not engine.names(shop.folder.name)
    finally:
        podman("rmi", "-f", "localhost/slow:1", check=False)


@pytest.mark.thorough
def test_what_is_built_is_never_that_of_yesterday(shop: Project) -> None:
    folder = shop.folder / "job"
    folder.mkdir()
    (folder / "Dockerfile").write_text(f"FROM {IMAGE}\nARG WHO\nENV WHO=$WHO\nCOPY word /word\n")
    (folder / "word").write_text("first\n")
    write(
        shop,
        "",
        """
  job:
    build: {context: ./job, args: {WHO: me}}
    command: [sh, -c, 'echo "$(cat /word) by $WHO"; exec sleep 1000']
""",
    )
    built = Path()
    try:
        with shop.up():
            shop.until_said("first by me")
            (folder / "word").write_text("second\n")
            assert shop.rpx("restart", "job").returncode == 0
            shop.until_said("second by me")
            built = inspected(name_of(shop, "job"))["ImageName"]
            (folder / "Dockerfile").write_text("FROM nowhere.invalid/nothing:1\n")
            assert shop.rpx("restart", "job").returncode != 0
            shop.until_said("nowhere.invalid/nothing:1")
    finally:
        podman("rmi", "-f", str(built), check=False)
