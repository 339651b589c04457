"""Docker by the same code as podman, as far as its command line shows it."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator

import pytest

from tests.support.fake_docker import FakeDocker
from tests.support.project import Project, supervisor, until

pytestmark = pytest.mark.real


@pytest.fixture
def docker(project: Project) -> Iterator[FakeDocker]:
    """The only engine of a project."""
    docker = FakeDocker(project.folder / "d", sys.executable)
    project.environment["PATH"] = f"{docker.folder}:{os.environ['PATH']}"
    project.write(
        """
name: Shop
processes:
  db:
    image: postgres:16
    ports: "auto:5432"
    env: {SECRET: hush}
    volumes: [data:/data]
    command: postgres -c fsync=off
    ready: {command: pg_isready}
    stop_grace_period: 3s
"""
    )
    yield docker
    assert not docker.containers


def test_the_life_of_a_container_in_words_of_docker(project: Project, docker: FakeDocker) -> None:
    with project.up():
        project.until_said("db  | Status: Downloaded newer image for postgres:16")
        [row] = project.ps()
        [port] = [each["port"] for each in row["ports"]]
        [run] = [words for words in docker.told if words[0] == "run"]
        [run_id] = [word for word in run if word.startswith("dev.rpx.run=")]
        cid_file = run[run.index("--cidfile") + 1]
        assert run == [
            *("run", "--rm", "--init", "--name", "rpx-Shop-db-1"),
            *("--label", f"dev.rpx.project={project.folder}/rpx.yaml", "--label", run_id),
            *("--label", "dev.rpx.service=db-1", "--cidfile", cid_file, "--interactive"),
            *("--add-host", "host.docker.internal:host-gateway"),
            *("--publish", f"127.0.0.1:{port}:5432", "--volume", "shop_data:/data"),
            *run[run.index("shop_data:/data") + 1 : run.index("postgres:16")],
            *("postgres:16", "postgres", "-c", "fsync=off"),
        ]
        inside = json.loads((docker.home / "containers" / "rpx-Shop-db-1").read_text())
        assert inside == {"SECRET": "hush", "PORT": "5432"}
        assert "hush" not in str(docker.told)
        assert ["exec", "rpx-Shop-db-1", "sh", "-c", "pg_isready"] in docker.told

        killed = project.rpx("kill-backend", "db")
        assert f"SIGKILL to pid {row['pid']}" in killed.stdout
        until(lambda: project.ps()[0]["restarts"] == 1, "restarted")
        until(lambda: project.states() == {"db": "ready"}, "ready again")
        assert ["kill", "--signal", "SIGKILL", "rpx-Shop-db-1"] in docker.told
        assert project.rpx("stop", "db").returncode == 0
        assert ["stop", "-t", "3", "rpx-Shop-db-1"] in docker.told
        assert not docker.containers
    assert ["pull", "postgres:16"] in docker.told
    assert sum(words[0] == "pull" for words in docker.told) == 1
    assert ["volume", "create", "--label", f"dev.rpx.project={project.folder}/rpx.yaml",
            "shop_data"] in docker.told  # fmt: skip
    assert not [words for words in docker.told if words[0] in {"rm", "stop"} and "-t" in words[3:]]


def test_a_daemons_containers_end_with_rpx_however_that_ends(
    project: Project, docker: FakeDocker
) -> None:
    with project.up() as guardian:
        assert docker.containers
        os.kill(supervisor(guardian).pid, signal.SIGKILL)
        guardian.wait(30)
        assert not docker.containers
    removed = [words for words in docker.told if words[0] == "rm"]
    assert removed[-1] == ["rm", "-f", "-v", "rpx-Shop-db-1"]


def test_what_two_dead_processes_have_left_is_found_and_removed_by_a_command(
    project: Project, docker: FakeDocker
) -> None:
    with project.up() as guardian:
        child = supervisor(guardian)
        child.suspend()  # it would see to them itself
        guardian.send_signal(signal.SIGKILL)
        guardian.wait(30)
        child.kill()
        until(lambda: not project.states(), "gone")
        assert docker.containers
        for process in project.survivors():
            process.kill()
        found = project.rpx("doctor").stdout
        assert "a run crashed, and 1 of its containers are still there" in found
        down = project.rpx("down")
        assert down.returncode == 0
        assert "did not end in order: removed 1 container" in down.stderr
        assert not docker.containers


def test_a_daemon_that_has_gone_is_named(project: Project, docker: FakeDocker) -> None:
    with project.up():
        (docker.home / "away").touch()
        (docker.home / "containers" / "rpx-Shop-db-1").unlink()
        line = project.until_said("cannot start")
        assert "docker does not answer: Cannot connect to the Docker daemon" in line
        (docker.home / "away").unlink()
        until(lambda: project.states() == {"db": "ready"}, "it comes back with its daemon")
