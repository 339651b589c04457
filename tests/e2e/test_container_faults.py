"""What goes wrong with containers is said: what, where, and what to do about it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.test_containers import name_of, row, write
from tests.support import engine
from tests.support.engine import podman
from tests.support.project import Project, until

pytestmark = [pytest.mark.real, pytest.mark.engine]


def test_without_an_engine_it_is_said_who_needs_one_and_the_rest_can_be_started(
    project: Project,
) -> None:
    tools = project.folder / "tools"
    tools.mkdir()
    docker = tools / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2; exit 1\n")
    docker.chmod(0o755)
    (tools / "sh").symlink_to("/bin/sh")
    (tools / "sleep").symlink_to("/bin/sleep")
    project.environment["PATH"] = str(tools)
    project.write(
        "processes:\n  db: {image: postgres:16}\n  cache: {image: redis:7}\n  api: sleep 1000\n"
    )
    done = project.rpx("up")
    assert done.returncode == 1
    assert done.stderr == (
        "error: `db`, `cache` need a container engine, and neither docker nor podman answers"
        " (docker: Cannot connect to the Docker daemon; podman: not installed)\n"
        "hint: start the engine, or install one; the rest can be started: `rpx up api`\n"
    )
    found = project.rpx("doctor")
    assert "docker: is installed, and does not answer: Cannot connect to" in found.stdout
    assert "engine: none answers, and `db`, `cache` can't start" in found.stdout
    with project.up("api", ready=False):
        until(lambda: project.states().get("api") == "ready", "ready")
        assert project.rpx("start", "cache", timeout=120).returncode == 1
        project.until_said("cannot start: `cache` needs a container engine")


def test_what_cannot_be_started_says_why_and_a_missing_folder_before_anything_is(
    shop: Project,
) -> None:
    write(
        shop,
        "",
        """
  nobody: {image: "localhost:1/nobody/has:1", restart: no}
  typo: {image: IMAGE, command: sleeep 5, restart: no}
  option: {image: IMAGE, container_options: [--no-such], restart: no}
  forbidden:
    image: IMAGE
    command: [sh, -c, "touch /d/x"]
    volumes: [./locked:/d]
    container_options: [--user, "1000"]
    restart: no
""",
    )
    done = shop.rpx("check")
    assert done.returncode == 0
    done = shop.rpx("up")
    assert done.returncode == 2
    assert f"a volume of `forbidden` does not exist: {shop.folder}/locked" in done.stderr
    assert "rpx.yaml:" in done.stderr
    assert "hint: make the folder: `mkdir -p " in done.stderr
    (shop.folder / "locked").mkdir(mode=0o755)
    with shop.up(ready=False):
        until(lambda: {*shop.states().values()} == {"failed"}, "all have failed")
        assert "pulling it" in shop.until_said("is not here")
        reasons = {each["name"]: each["last_error"] for each in shop.ps()}
        assert "125" in reasons["nobody"]
        assert "connection refused" in reasons["nobody"]
        assert "there is no such program in its image" in reasons["typo"]
        assert "unknown flag: --no-such" in reasons["option"]
        assert (
            f"its volume may not be writable for its user: {shop.folder}/locked"
            in (reasons["forbidden"])
        )


@pytest.mark.thorough
def test_an_engine_that_goes_away_fails_what_it_runs_and_brings_it_back_when_it_is_there_again(
    shop: Project,
) -> None:
    """As a daemon that is restarted: from one moment on every command fails."""
    tools = shop.folder / "tools"
    tools.mkdir()
    podman_here = tools / "podman"
    switch = shop.folder / "away"
    podman_here.write_text(
        f"#!/bin/sh\n[ -e {switch} ] && {{ echo 'Error: nobody is there' >&2; exit 125; }}\n"
        'PATH=${PATH#*:}; exec podman "$@"\n'
    )
    podman_here.chmod(0o755)
    shop.environment["PATH"] = f"{tools}:{os.environ['PATH']}"
    write(shop, "", "\n  db: {image: IMAGE, command: sleep 1000, restart: {max_restarts: 1}}")
    with shop.up():
        switch.touch()
        os.kill(row(shop, "db")["pid"], 9)
        until(lambda: shop.states()["db"] == "failed", "failed")
        assert "podman does not answer: nobody is there" in row(shop, "db")["last_error"]
        switch.unlink()
        assert shop.rpx("start", "db").returncode == 0
        until(shop.all_ready, "ready again")
        assert engine.names(shop.folder.name) == {name_of(shop, "db")}


@pytest.mark.thorough
def test_a_port_that_is_taken_is_said_with_its_owner_before_anything_is_started(
    shop: Project,
) -> None:
    port, *_ = write(
        shop,
        "\n  - {to: a.localhost, from: localhost:PORT_A, start: {image: IMAGE, port: 80}}",
        "\n  db: {image: IMAGE, command: sleep 1000}",
    )
    with socket.create_server(("127.0.0.1", port)):
        done = shop.rpx("up")
    assert done.returncode == 1
    assert f"the port of `a:{port}`, {port}, is taken by" in done.stderr
    assert not engine.names(shop.folder.name)


@pytest.mark.thorough
def test_volumes_stay_until_somebody_says_that_they_may_go(shop: Project) -> None:
    volume = f"{shop.folder.name}_data".lower()
    write(
        shop,
        "",
        """
  db:
    image: IMAGE
    command: [sh, -c, "cat /data/x; echo kept > /data/x; exec sleep 1000"]
    volumes: [data:/data]
    container_options: [--volume, /lost]
""",
    )
    try:
        with shop.up():
            shop.until_said("its data in /lost go with each container")
            assert shop.rpx("restart", "db").returncode == 0
            shop.until_said("db  | kept")
            refused = shop.rpx("down", "--volumes")
            assert refused.returncode == 1
            assert "there is no terminal to ask on" in refused.stderr
            assert shop.states() == {"db": "ready"}
            assert shop.rpx("down").returncode == 0
        assert volume in podman("volume", "ls", "-q").split()
        done = shop.rpx("down", "--volumes", "--yes")
        assert done.returncode == 0
        assert f"removed {volume}" in done.stdout + done.stderr
        assert volume not in podman("volume", "ls", "-q").split()
    finally:
        podman("volume", "rm", "-f", volume, check=False)


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Project]:
    """A second project, with the name of the first."""
    folder = tmp_path / "b"
    folder.mkdir()
    second = Project(folder)
    second.environment |= {"XDG_RUNTIME_DIR": str(tmp_path / "run")}  # sockets have short names
    second.environment |= engine.variables()
    yield second
    assert not second.survivors()


@pytest.mark.thorough
def test_two_projects_of_the_same_name_have_containers_and_volumes_of_their_own(
    shop: Project, other: Project
) -> None:
    text = f"""
name: {shop.folder.name}
containers: podman
processes:
  db: {{image: IMAGE, command: sleep 1000, volumes: ["data:/data"]}}
"""
    for each in (shop, other):
        each.write(text, IMAGE=engine.IMAGE)
    try:
        with shop.up(), other.up():
            plain = name_of(shop, "db")
            first, second = sorted(engine.names(shop.folder.name))
            assert first == plain
            assert second.startswith(f"{plain}-")
            assert len(_volumes(shop)) == 2
            assert shop.rpx("restart", "db").returncode == 0
            assert {first, second} == engine.names(shop.folder.name)
            assert shop.rpx("down").returncode == 0
            assert engine.names(shop.folder.name) == {second}
        with other.up():
            assert len(_volumes(shop)) == 2  # its own again, though the other one's is free
    finally:
        podman("volume", "rm", "-f", *_volumes(shop), check=False)


def _volumes(shop: Project) -> list[str]:
    names = podman("volume", "ls", "-q").split()
    return [name for name in names if name.startswith(shop.folder.name.lower())]
