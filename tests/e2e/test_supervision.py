"""What docs/supervision.md promises, seen from outside: loops, storms, hangs, orphans, idling."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import signal
import socket
import time
from typing import Any

import httpx
import psutil
import pytest

from tests.support.load import Load
from tests.support.project import SOON, Project, free_ports, until

pytestmark = pytest.mark.real


def row(project: Project, name: str) -> dict[str, Any]:
    """The row of a service, with nothing in it before rpx is there."""
    rows: list[dict[str, Any]] = project.ps()
    return next((each for each in rows if each["name"] == name), {})


def test_a_crash_loop_backs_off_and_harms_nobody_else(project: Project) -> None:
    project.write(
        "processes: {bad: {command: exit 1, restart: {max_restarts: 50}}, good: sleep 60}"
    )
    began = time.monotonic()  # what it costs: `make bench ARGS='--only quiet,loop'`
    with project.up(ready=False):
        until(lambda: project.said().count("bad starting") >= 6, "it goes on")
        assert time.monotonic() - began > 0.9 * (0.1 + 0.2 + 0.4 + 0.8 + 1.6)
        assert project.states()["good"] == "ready"


def test_twenty_restarts_at_once_leave_one_instance_the_one_that_ps_names(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\nstart: PYTHON APPS/ok.py",
        PORT_A=str(port),
    )
    with project.up():
        [path] = project.folder.glob("run/rpx/*/control.sock")

        def restart(_: int) -> int:
            transport = httpx.HTTPTransport(uds=str(path), verify=False)
            with httpx.Client(transport=transport, timeout=60) as client:
                answer = client.post("http://rpx/v1/orders/restart", json={"names": ["api"]})
            assert answer.status_code == 200
            return int(answer.json()[0]["exit_code"])

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            codes = list(pool.map(restart, range(20)))
        assert codes.count(0) >= 1
        until(project.all_ready, "ready again")
        pid = row(project, "api")["pid"]
        assert project.get("api.localhost").json()["pid"] == pid
        running = [p.pid for p in project.survivors() if "ok.py" in " ".join(p.cmdline())]
        assert running == [pid]


def test_a_backend_that_hangs_leaves_rotation_and_is_replaced(project: Project) -> None:
    ports = free_ports(2)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORTS\nto: api.localhost\n"
        "start: {command: PYTHON APPS/ok.py, stop_grace_period: 1s}\n"
        "health_check: {path: /health, interval: 200ms, timeout: 300ms, unhealthy_threshold: 2}",
        PORTS=str(ports),
    )
    with project.up(), Load(project.http_port, "api.localhost") as load:
        load.wait_for(50)
        victim = project.ps()[0]
        os.kill(victim["pid"], signal.SIGSTOP)
        project.until_said(f"{victim['label']} unhealthy, out of rotation")  # too short for `ps`
        detected = time.monotonic()  # what was sent before may be half answered
        until(
            lambda: (now := project.ps()[0])["state"] == "ready" and now["pid"] != victim["pid"],
            "replaced",
        )
        load.wait_for(50)
        assert load.failures_since(detected) == []
        assert not psutil.pid_exists(victim["pid"]) or (
            psutil.Process(victim["pid"]).status() == psutil.STATUS_ZOMBIE
        )


def test_an_orphan_that_holds_stdout_hangs_no_restart(project: Project) -> None:
    orphan = "{command: PYTHON APPS/orphan_holds_stdout.py, env: {ORPHAN: 60}, oneshot: true}"
    project.write(f"processes: {{app: {orphan}}}")
    with project.up():
        project.until_said("app completed")
        done = project.rpx("restart", "app", timeout=SOON)
        assert done.returncode == 0, done.stdout
        until(lambda: project.said().count("app completed") == 2, "completed again")


def test_a_stop_is_final_whatever_the_policy_and_the_checks_say(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\nhold: 0\n"
        "start: {command: PYTHON APPS/ok.py, restart: always}\n"
        "health_check: {path: /health, interval: 100ms}",
        PORT_A=str(port),
    )
    with project.up():
        assert project.rpx("stop", "api").returncode == 0
        assert project.get("api.localhost").status_code == 503
        time.sleep(1.5)  # that nothing happens can only be waited for
        assert row(project, "api")["state"] == "stopped"
        assert not [p for p in project.survivors() if "ok.py" in " ".join(p.cmdline())]


def test_a_service_that_is_stopped_by_its_own_command_hears_no_signal(project: Project) -> None:
    project.write(
        "processes:\n  app:\n"
        "    command: \"trap 'touch signalled' TERM; while [ ! -e leave ]; do sleep 0.05; done\"\n"
        "    stop_command: touch leave\n"
    )
    with project.up():
        done = project.rpx("stop", "app")
        assert done.returncode == 0, done.stdout
    assert not (project.folder / "signalled").exists()


def test_a_process_that_is_not_ready_in_time_is_replaced_and_said(project: Project) -> None:
    project.write("processes: {app: {command: sleep 60, ready: {log: never, timeout: 300ms}}}")
    with project.up(ready=False):
        project.until_said("app not ready within 0.3 s")
        until(lambda: row(project, "app").get("restarts", 0) >= 2, "replaced twice")


DAEMON = """
import os, runpy, time
if os.fork():
    time.sleep(0.2)
    os._exit(0)
os.setsid()
runpy.run_path("APPS/ok.py", run_name="__main__")
"""


def test_a_server_that_goes_into_the_background_is_told_to_stay_in_front(project: Project) -> None:
    project.write(DAEMON)
    (project.folder / "rpx.yaml").rename(project.folder / "daemon.py")
    project.write(
        "name: shop\nlisten: {http_port: HTTP_PORT}\nto: api.localhost\nstart: PYTHON daemon.py\n"
    )
    with project.up(ready=False):
        said = project.until_said("completed")
        assert "it left 1 process behind (pid " in said
        assert "daemon.py`), ended: run it in the foreground" in said
        assert "run it in the foreground" in project.rpx("why", "api").stdout
        answer = project.get("api.localhost")
        assert answer.status_code == 503
        assert "run it in the foreground" in answer.text


def test_a_flood_of_clients_leaves_files_for_rpx_itself(project: Project) -> None:
    """Orders, and the restart of what crashes: with 128 files and 300 clients that stay."""
    project.descriptors = 128
    project.copies(1)
    with project.up(), contextlib.ExitStack() as clients:
        for _ in range(300):
            client = socket.create_connection(("127.0.0.1", project.http_port), timeout=SOON)
            clients.enter_context(client)
            client.send(b"G")  # or the kernel would keep it for some seconds
        before = row(project, "api")["pid"]
        assert before
        os.kill(before, signal.SIGKILL)
        until(lambda: row(project, "api").get("pid") not in (before, None), "another process")
        until(lambda: row(project, "api").get("state") == "ready", "it is back")
        assert "Traceback" not in project.said()
        told = [line for line in project.lines() if "files open" in line]
        assert len(told) == 1
        assert "rpx may have 128 files open (`ulimit -n`)" in told[0]
        clients.close()  # whose files rpx has again when it has seen that they left

        def answered() -> bool:  # until then it may have no file for a client: that is a reset
            with contextlib.suppress(httpx.TransportError):
                return project.get("api.localhost").status_code == 200
            return False

        until(answered, "files for a request")
