"""`rpx --from … --to …`: a project that stands on the command line."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.load import Load
from tests.support.project import APPS, RPX, SOON, Project, free_ports, until

pytestmark = pytest.mark.real


class Shell:
    """An interactive bash with job control, as far as it can be one without a terminal."""

    def __init__(self, bash: subprocess.Popen[str]) -> None:
        self._bash = bash

    def run(self, line: str) -> None:
        """Type a line."""
        assert self._bash.stdin is not None
        self._bash.stdin.write(line + "\n")
        self._bash.stdin.flush()


@contextmanager
def shell(project: Project) -> Iterator[Shell]:
    """A shell in the project's folder; its jobs end with it."""
    bash = subprocess.Popen(
        ["bash"],
        cwd=project.folder,
        env=project.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    it = Shell(bash)
    it.run("set -m")
    try:
        yield it
    finally:
        it.run("kill $(jobs -p); wait; exit")
        bash.communicate(timeout=SOON)


@contextmanager
def backend(project: Project, port: int) -> Iterator[None]:
    """One that somebody has started, once it listens."""
    environment = {**project.environment, "PORT": str(port)}
    with subprocess.Popen([RPX[0], APPS / "ok.py"], env=environment) as process:
        try:
            until(lambda: _listens(port), "the backend listens")
            yield
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def in_rotation(project: Project) -> dict[int, bool]:
    return {row["port"]: row["in_rotation"] for row in project.ps()}


def test_paths_lead_elsewhere_and_to_files(project: Project) -> None:
    ports = free_ports(3)
    folder = project.folder / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("front page")
    (folder / "assets" / "a.js").write_text("one()")
    front, api, admin = ports
    rest = ["--to", "shop.localhost, *", "--http-port", str(project.http_port)]
    ways = ["--path", f"/api={api}", "--path", f"/api/admin={admin}"]
    with ExitStack() as stack:
        for port in ports:
            stack.enter_context(backend(project, port))

        def answered(path: str, host: str = "shop.localhost") -> tuple[int, str]:
            found = project.get(host, path).json()
            return found["port"], found["path"]

        files = ["--static", f"/assets={folder / 'assets'}", "--strip"]
        with project.up("--from", str(front), *ways, *files, *rest, verb=()):
            for host in ("shop.localhost", "x.test"):
                assert answered("/apis", host) == (front, "/apis")
                assert answered("/api/x?y=/api", host) == (api, "/x?y=/api")
                assert answered("/api", host) == (api, "/")
                assert answered("/api/admin/", host) == (admin, "/")
            assert project.get("shop.localhost", "/assets/a.js").text == "one()"
            assert project.get("shop.localhost", "/assets/b.js").status_code == 404
        with project.up("--static", "dist", *ways, *rest, verb=()):
            assert answered("/api/x") == (api, "/api/x")
            assert project.get("shop.localhost", "/").text == "front page"
            assert project.get("shop.localhost", "/assets/a.js").text == "one()"


def test_failover_as_one_tries_it_by_hand_loses_no_request(project: Project) -> None:
    first, second = free_ports(2)
    rpx, python = " ".join(RPX), RPX[0]
    with shell(project) as terminal:
        terminal.run(
            f"{rpx} --from localhost:{first},localhost:{second} --to api.localhost"
            f" --http-port {project.http_port} > up.log 2>&1 &"
        )
        until(lambda: in_rotation(project) == {first: False, second: False}, "rpx listens")
        nobody = project.get("api.localhost", headers={"Accept": "application/json"})
        assert nobody.status_code in (502, 503)
        assert "start the process that listens there" in nobody.text

        terminal.run(f"PORT={first} {python} {APPS}/ok.py &")
        until(lambda: in_rotation(project) == {first: True, second: False}, "the first joins")
        assert {project.get("api.localhost").json()["port"] for _ in range(3)} == {first}

        terminal.run(f"PORT={second} {python} {APPS}/ok.py &")
        until(lambda: in_rotation(project) == {first: True, second: True}, "the second joins")

        with Load(project.http_port, "api.localhost") as load:
            load.wait_for(200)
            assert load.answers[first]
            assert load.answers[second]
            terminal.run("kill %2")
            until(lambda: in_rotation(project) == {first: False, second: True}, "out of rotation")
            load.wait_for(200)
            terminal.run(f"PORT={first} {python} {APPS}/ok.py &")
            until(lambda: in_rotation(project) == {first: True, second: True}, "back")
            before = load.answers[first]
            load.wait_for(200)
            assert load.answers[first] > before
        assert load.failures == []
        assert project.rpx("down").returncode == 0


def test_commands_find_it_from_the_folder_and_from_below(project: Project) -> None:
    [port] = free_ports(1)
    words = ("--from", str(port), "--to", "api.localhost", "--http-port", str(project.http_port))
    below = project.folder / "src" / "deep"
    below.mkdir(parents=True)
    with project.up(*words, ready=False, verb=()) as process:
        project.until_said("api.localhost")
        done = subprocess.run(
            (*RPX, "ps", "--json"),
            cwd=below,
            env=project.environment,
            capture_output=True,
            check=True,
        )
        [row] = json.loads(done.stdout)
        assert (row["label"], row["state"], row["external"]) == (f"api:{port}", "unhealthy", True)
        refused = project.rpx("kill-backend", str(port))
        assert refused.returncode == 2
        assert "started by somebody else" in refused.stderr
        assert project.rpx("down").returncode == 0
        assert process.wait(SOON) == 0
    assert project.rpx("ps").returncode == 3


def test_a_folder_runs_one_project_first_without_a_file(project: Project) -> None:
    [port] = free_ports(1)
    words = ("--from", str(port), "--to", "api.localhost", "--http-port", "0")
    with project.up(*words, ready=False, verb=()):
        project.until_said("api.localhost")
        again = project.rpx(*words)
        assert again.returncode == 1
        assert "a project is already running in this folder (pid " in again.stderr
        project.write("processes: {worker: sleep 60}")
        assert "is already running (pid " in project.rpx("up").stderr
        assert project.rpx("down").returncode == 0


@pytest.mark.parametrize("name", ["rpx.yaml", "rpx.yml"])
def test_a_folder_runs_one_project_first_with_a_file(name: str, project: Project) -> None:
    (project.folder / name).write_text("processes: {worker: sleep 60}")
    with project.up():
        refused = project.rpx("--from", "3000", "--to", "api.localhost", "--http-port", "0")
        assert refused.returncode == 1
        assert "is already running (pid " in refused.stderr
        assert project.rpx("down").returncode == 0


def test_start_runs_a_process_for_each_address(project: Project) -> None:
    ports = free_ports(2)
    addresses = [word for port in ports for word in ("--from", f"localhost:{port}")]
    words = ("--to", "api.localhost", "--http-port", str(project.http_port))
    start = ("--start", f"{RPX[0]} {APPS}/ok.py", "--health-path", "/health", "--verbose")
    with project.up(*addresses, *words, *start, verb=()):
        answers = [project.get("api.localhost", "/who?x").json()["port"] for _ in range(4)]
        assert answers == ports * 2
        for port in ports:
            project.until_said(f"[rpx] Request /who → localhost:{port}")


def test_a_port_that_is_taken_is_said_in_terms_of_the_flags(project: Project) -> None:
    [port] = free_ports(1)
    words = ("--from", str(port), "--to", "api.localhost", "--http-port", str(project.http_port))
    with socket.create_server(("127.0.0.1", project.http_port)):
        done = subprocess.run(
            (*RPX, *words),
            cwd=project.folder,
            env=project.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "`--http-port`" in done.stderr
        assert "listen.http_port" not in done.stderr


def test_up_verbose_prints_what_the_file_does_not_ask_for(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\nfrom: MINE\nto: api.localhost\nstart: PYTHON APPS/ok.py",
        MINE=str(port),
    )
    with project.up("--verbose"):
        project.get("api.localhost", "/users?x=1")
        project.until_said(f"[rpx] Request /users → localhost:{port}")


def test_up_without_starting_anything_routes_to_what_others_run(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: HTTP_PORT}\n"
        "proxies: [{from: MINE, to: api.localhost, start: PYTHON APPS/ok.py}]\n"
        "processes: {worker: sleep 60}",
        MINE=str(port),
    )
    with project.up("--no-start", ready=False), shell(project) as terminal:
        until(lambda: project.states() == {f"api:{port}": "unhealthy"}, "nothing is started")
        assert project.ps()[0]["external"]
        terminal.run(f"PORT={port} {RPX[0]} {APPS}/ok.py &")
        until(lambda: project.states() == {f"api:{port}": "ready"}, "it joins")
        assert project.get("api.localhost").status_code == 200


def test_up_without_starting_anything_needs_a_route(project: Project) -> None:
    project.write("processes: {worker: sleep 60}")
    done = project.rpx("up", "--no-start")
    assert done.returncode == 2
    assert "has no proxies" in done.stderr
