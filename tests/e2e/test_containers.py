"""Containers have the life of any process: docs/containers.md, with a real engine."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import psutil
import pytest

from tests.support import engine
from tests.support.engine import IMAGE, podman
from tests.support.load import Load
from tests.support.project import Project, end, free_ports, supervisor, until

pytestmark = [pytest.mark.real, pytest.mark.engine]

WEB = """
  - to: web.localhost
    from: localhost:PORT_A
    hold: 60s
    start: {image: IMAGE, port: 80}
"""


def write(shop: Project, proxies: str = "", processes: str = "", more: str = "") -> list[int]:
    """Write a project; `PORT_A` and so on are free ports, which are returned."""
    ports = free_ports(3)
    text = f"name: {shop.folder.name}\nlisten: {{http_port: HTTP_PORT}}\ncontainers: podman\n{more}"
    text += f"proxies:{proxies}\n" if proxies else ""
    text += f"processes:{processes}\n" if processes else ""
    named = {f"PORT_{letter}": str(port) for letter, port in zip("ABC", ports, strict=True)}
    shop.write(text, IMAGE=IMAGE, **named)
    return ports


def name_of(shop: Project, service: str, number: int = 1) -> str:
    return f"rpx-{shop.folder.name}-{service}-{number}"


def row(shop: Project, name: str) -> dict[str, Any]:
    return next((each for each in shop.ps() if each["name"] == name), {})


def inspected(name: str) -> Any:  # noqa: ANN401 - what podman has
    return json.loads(podman("container", "inspect", name))[0]


def test_a_container_is_reached_seen_stopped_killed_and_restarted_like_any_process(
    shop: Project,
) -> None:
    write(
        shop,
        WEB,
        """
  tick:
    image: IMAGE
    command: [sh, -c, 'trap "echo bye; exit" USR1; while echo tick $GREETING; do sleep 0.1; done']
    env: {GREETING: hello, PATH: "/bin:/odd", EMPTY: ""}
    stop_signal: USR1
    workdir: /tmp
    tmpfs: /more
    extra_hosts: ["printer:192.168.1.9"]
    shm_size: 2mb
    container_options: [--hostname, ticker]
""",
    )
    with shop.up():
        assert shop.get("web.localhost").text == "here\n"
        assert engine.names(shop.folder.name) == {name_of(shop, "web"), name_of(shop, "tick")}
        variables = dict(
            line.partition("=")[::2]
            for line in shop.get("web.localhost", "/cgi-bin/env").text.splitlines()
        )
        assert (variables["PORT"], variables["HOST"]) == ("80", "0.0.0.0")
        assert variables["RPX_NAME"] == "web"

        tick = inspected(name_of(shop, "tick"))
        assert tick["Config"]["Labels"]["dev.rpx.project"] == str(shop.folder / "rpx.yaml")
        assert {"GREETING=hello", "PATH=/bin:/odd", "EMPTY="} <= set(tick["Config"]["Env"])
        assert tick["Config"]["WorkingDir"] == "/tmp"
        assert tick["Config"]["Hostname"] == "ticker"
        assert tick["HostConfig"]["ShmSize"] == 2 << 20
        assert "printer:192.168.1.9" in tick["HostConfig"]["ExtraHosts"]
        shop.until_said("tick hello")
        assert "tick hello" in shop.rpx("logs", "tick", "--tail", "3").stdout

        seen = row(shop, "web")
        assert seen["pid"] == inspected(name_of(shop, "web"))["State"]["Pid"]
        assert seen["memory"] > 0
        assert seen["processes"] >= 2  # what --init has put there, and the server

        with Load(shop.http_port, "web.localhost", count=2, path="/cgi-bin/slow") as load:
            load.wait_for(4)
            killed = shop.rpx("kill-backend", "web")
            assert f"SIGKILL to pid {seen['pid']}" in killed.stdout
            load.wait_for(6)  # they are held until the next one is there
        assert not load.failures
        assert row(shop, "web")["pid"] != seen["pid"]

        os.kill(row(shop, "web")["pid"], signal.SIGKILL)  # somebody else does it
        until(lambda: row(shop, "web")["restarts"] == 2, "restarted after a crash")
        until(shop.all_ready, "ready again")

        assert shop.rpx("restart", "tick").returncode == 0
        shop.until_said("bye")  # its own signal, and the image's init has passed it on
        assert shop.rpx("stop", "tick").returncode == 0
        assert engine.names(shop.folder.name) == {name_of(shop, "web")}
        assert shop.states()["tick"] == "stopped"
        assert shop.rpx("down").returncode == 0
        assert not engine.names(shop.folder.name)


@pytest.mark.parametrize(
    "who",
    [
        "supervisor",
        pytest.param("client", marks=pytest.mark.thorough),
        pytest.param("guardian", marks=pytest.mark.thorough),
        pytest.param("monitor", marks=pytest.mark.thorough),
    ],
)
def test_whoever_is_killed_leaves_no_container(shop: Project, who: str) -> None:
    write(shop, "", "\n  db: {image: IMAGE, command: sleep 1000}")
    with shop.up() as guardian:
        name = name_of(shop, "db")
        before = inspected(name)["State"]["Pid"]
        if who in {"supervisor", "guardian"}:
            killed = supervisor(guardian).pid if who == "supervisor" else guardian.pid
            os.kill(killed, signal.SIGKILL)
            until(lambda: not engine.names(shop.folder.name), "removed")
        else:
            pid = _client(name) if who == "client" else inspected(name)["State"]["ConmonPid"]
            os.kill(pid, signal.SIGKILL)
            until(lambda: row(shop, "db").get("restarts"), "restarted")
            until(shop.all_ready, "ready again")
            assert inspected(name)["State"]["Pid"] != before
            assert end(guardian, signal.SIGINT) == 130
    assert not psutil.pid_exists(before)


def _client(name: str) -> int:
    """The pid of what runs a container in the foreground."""
    [pid] = [
        each.pid
        for each in psutil.process_iter(["cmdline"])
        if {"run", name} <= {*(each.info["cmdline"] or ())} and each.name() == "podman"
    ]
    return pid


@pytest.mark.thorough
def test_what_a_machine_without_power_has_left_the_next_run_removes(shop: Project) -> None:
    write(shop, "", "\n  db: {image: IMAGE, command: sleep 1000}")
    label = f"dev.rpx.project={shop.folder / 'rpx.yaml'}"
    left = f"rpx-{shop.folder.name}-renamed-1"
    podman("run", "-d", "--name", left, "--label", label, IMAGE, "sleep", "1000")
    podman("run", "-d", "--name", name_of(shop, "db"), "--label", label, IMAGE, "sleep", "1000")
    with shop.up():
        assert engine.names(shop.folder.name) == {name_of(shop, "db")}
        shop.until_said("removed 2 containers of an earlier run")


@pytest.mark.thorough
def test_a_container_of_somebody_else_is_left_alone(shop: Project) -> None:
    write(shop, "", "\n  db: {image: IMAGE, command: sleep 1000, restart: no}")
    name = name_of(shop, "db")
    podman("run", "-d", "--name", name, IMAGE, "sleep", "1000")
    with shop.up(ready=False):
        line = shop.until_said("a container that rpx did not start is called")
        assert name in line
        until(lambda: shop.states().get("db") == "failed", "failed")
        assert inspected(name)["State"]["Running"]
        podman("rm", "-f", "-t", "0", name)
        assert shop.rpx("start", "db").returncode == 0
        until(shop.all_ready, "ready")
