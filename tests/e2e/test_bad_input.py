"""What is wrong is said once, clearly, with a hint; nothing is started, nothing is left."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.project import RPX, Project, free_ports, until

pytestmark = pytest.mark.real


def refused(project: Project, code: int, *texts: str) -> str:
    """Run `rpx up`, which must refuse."""
    done = project.rpx("up")
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    for text in texts:
        assert text in done.stderr, done.stderr
    assert project.survivors() == []
    return done.stderr


def test_every_mistake_in_the_file_is_told_with_its_place(project: Project) -> None:
    project.write(
        "proxies:\n  - to: api.localhost\n    from: 3000\n    helth: 1\n    hold: later\n"
    )
    said = refused(project, 2, "rpx.yaml:4:5", "rpx.yaml:5:11")
    assert said.count("error: ") == 2
    assert project.rpx("check").returncode == 2


def test_no_file_at_all(project: Project) -> None:
    refused(project, 2, "rpx.yaml")


def test_a_file_that_cannot_be_read(project: Project) -> None:
    (project.folder / "rpx.yaml").mkdir()
    done = project.rpx("up", "-f", "rpx.yaml")
    assert done.returncode == 2
    assert "rpx.yaml is a folder" in done.stderr


@pytest.mark.parametrize("command", ["no-such-program --x", "[no-such-program, --x]"])
def test_a_command_that_does_not_exist(project: Project, command: str) -> None:
    project.write(f"processes:\n  db: sleep 60\n  web:\n    command: {command}\n")
    refused(project, 2, "no-such-program", "rpx.yaml:4:14")


def test_a_directory_that_does_not_exist(project: Project) -> None:
    project.write("processes:\n  web:\n    command: sleep 60\n    cwd: ./nowhere\n")
    refused(project, 2, "nowhere", "rpx.yaml:4:10")


def test_a_listener_s_port_that_is_taken_is_told_with_its_owner(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        project.http_port = taken.getsockname()[1]
        project.write("listen: {http_port: HTTP_PORT}\nprocesses: {web: sleep 60}\n")
        refused(project, 1, str(project.http_port), f"pid {os.getpid()}")


def test_a_backend_s_port_that_is_taken_is_told_before_anything_is_started(
    project: Project,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        project.write(
            "listen: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\n"
            "start: touch started; sleep 60",
            PORT_A=str(port),
        )
        refused(project, 1, str(port), f"pid {os.getpid()}")
    assert not (project.folder / "started").exists()


def test_a_second_up_is_refused_and_the_first_goes_on(project: Project) -> None:
    project.write("processes: {app: sleep 60}")
    with project.up():
        second = project.rpx("up")
        assert second.returncode == 1
        assert "already running" in second.stderr
        assert "hint: " in second.stderr
        assert project.states() == {"app": "ready"}
        below = project.folder / "below"
        below.mkdir()
        project.folder = below
        [row] = project.listed()  # found from any folder below
        assert row["state"] == "ready"


def test_a_chosen_port_of_zero_is_any_free_one(project: Project) -> None:
    [port] = free_ports(1)
    project.write(
        "listen: {http_port: 0}\nfrom: PORT_A\nto: api.localhost\nstart: PYTHON APPS/ok.py",
        PORT_A=str(port),
    )
    with project.up():
        url = project.ps()[0]["url"]
        project.http_port = int(url.rpartition(":")[2])
        assert project.get("api.localhost").status_code == 200
        until(lambda: url in project.said(), "the URL is told")


@pytest.mark.parametrize("words", [("up", "--nonsense"), ("nonsense",), ("kill-backend",)])
def test_bad_usage_is_exit_2(project: Project, words: tuple[str, ...]) -> None:
    done = project.rpx(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_host_without_an_address(project: Project) -> None:
    project.write("from: 'nosuch.invalid:25801'\nto: api.localhost\nstart: sleep 60\n")
    refused(project, 2, "nosuch.invalid", "rpx.yaml:3:8")


def test_a_working_directory_that_is_gone(project: Project) -> None:
    project.write("processes: {app: sleep 60}")
    gone = project.folder / "gone"
    gone.mkdir()
    script = f"cd {gone} && rmdir {gone} && exec {' '.join(RPX)} check -f {project.folder}/rpx.yaml"
    done = subprocess.run(
        ("/bin/sh", "-c", script),
        env=project.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_port_that_another_project_has_is_told_with_its_name_and_file(
    project: Project, tmp_path: Path
) -> None:
    [port] = free_ports(1)
    text = "name: shop\nlisten: {http_port: HTTP_PORT}\nfrom: PORT_A\nto: api.localhost\n"
    project.write(text + "start: PYTHON APPS/ok.py", PORT_A=str(port))
    with project.up():
        file = project.folder / "rpx.yaml"
        other = tmp_path / "other"
        other.mkdir()
        project.folder = other
        alone = "{http_port: HTTP_PORT, door: false}"
        project.write(f"listen: {alone}\nprocesses: {{app: sleep 60}}")
        refused(project, 1, f"taken by the rpx project `shop` ({file})", f"`rpx down -f {file}`")
        started = "start: PYTHON APPS/ok.py"
        text = f"listen: {{http_port: 0}}\nfrom: PORT_A\nto: a.localhost\n{started}"
        project.write(text, PORT_A=str(port))
        refused(project, 1, f"which belongs to the rpx project `shop` ({file})")
