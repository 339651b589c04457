"""What an engine is told, word by word, and that docker's own client knows the words."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from rpx.engine.engine_lines import (
    Running,
    build_words,
    exec_words,
    kill_words,
    pull_words,
    run_words,
    stop_words,
)
from rpx.model.container import Container, ImageBuild, Volume

EVERYTHING = Container(
    image="postgres:16",
    entrypoint=("/bin/sh", "-c"),
    workdir="/srv",
    shm_size=64 << 20,
    platform="linux/amd64",
    tmpfs=("/tmp:size=1m",),
    extra_hosts=("printer:192.168.1.9",),
    container_options=("--memory", "1g"),
    stop_signal=2,
)
RUNNING = Running(
    name="rpx-shop-db-1",
    image="postgres:16",
    labels={"dev.rpx.project": "/shop/rpx.yaml", "dev.rpx.run": "abc"},
    cid_file="/run/cid",
    ports=(("127.0.0.1", 5433, 5432), ("::1", 8025, 80)),
    environment={"POSTGRES_PASSWORD": "secret", "PATH": "/bin", "DOCKER_HOST": "x", "EMPTY": ""},
    command=("postgres", "-c", "fsync=off"),
    volumes=(
        Volume(source="shop_data", target="/data"),
        Volume(source="/shop/init", target="/init", options="ro"),
        Volume(source="", target="/cache"),
    ),
    stdin=True,
    tty=True,
    network="rpx-shop-123456",
    alias="db",
    gateway="host.docker.internal",
)
RUN = run_words(EVERYTHING, RUNNING, {"PATH", "HOME"})
BUILD = ImageBuild(
    context=Path("/shop/db"), dockerfile="Dev", target="run", args={"A": "1", "B": None}
)
LINES = {
    "run": RUN,
    "stop": stop_words("rpx-shop-db-1", 1.2),
    "kill": kill_words("rpx-shop-db-1", 9),
    "exec": exec_words("rpx-shop-db-1", "pg_isready && x", {"PORT": "1"}, ("-i", "-t")),
    "pull": pull_words("postgres:16", "linux/amd64"),
    "build": build_words(BUILD, "shop/db", "linux/amd64"),
    "rm": ("rm", "-f", "-v", "rpx-shop-db-1"),
    "ps": ("ps", "-aq", "--no-trunc", "--filter", "label=dev.rpx.run=abc"),
    "inspect": ("container", "inspect", "--format", "{{.Id}}", "rpx-shop-db-1"),
    "volume": ("volume", "create", "--label", "a=b", "shop_data"),
    "volumes": ("volume", "ls", "-q", "--filter", "label=a=b"),
    "network": ("network", "create", "--label", "a=b", "rpx-shop-123456"),
}


def test_everything_that_is_written_has_its_word() -> None:
    assert list(RUN) == [
        *("run", "--rm", "--init", "--name", "rpx-shop-db-1"),
        *("--label", "dev.rpx.project=/shop/rpx.yaml", "--label", "dev.rpx.run=abc"),
        *("--cidfile", "/run/cid", "--interactive", "--tty"),
        *("--network", "rpx-shop-123456", "--network-alias", "db"),
        *("--add-host", "host.docker.internal:host-gateway"),
        *("--publish", "127.0.0.1:5433:5432", "--publish", "[::1]:8025:80"),
        *("--volume", "shop_data:/data", "--volume", "/shop/init:/init:ro"),
        *("--volume", "/cache"),
        *("--env", "POSTGRES_PASSWORD", "--env", "PATH=/bin", "--env", "DOCKER_HOST=x"),
        *("--env", "EMPTY"),
        *("--workdir", "/srv", "--platform", "linux/amd64", "--shm-size", str(64 << 20)),
        *("--stop-signal", "SIGINT", "--tmpfs", "/tmp:size=1m"),
        *("--add-host", "printer:192.168.1.9", "--entrypoint", "/bin/sh"),
        *("--memory", "1g", "postgres:16", "-c", "postgres", "-c", "fsync=off"),
    ]


def test_no_secret_stands_on_a_command_line_that_everybody_may_read() -> None:
    assert "secret" not in " ".join(RUN)


def test_a_container_in_the_network_of_the_machine_publishes_nothing() -> None:
    own = Container(image="x", container_options=("--network=host",))
    words = run_words(own, RUNNING, ())
    assert "--publish" not in words
    assert "--network-alias" not in words
    chosen = Container(image="x", container_options=("--network", "other"))
    words = run_words(chosen, RUNNING, ())
    assert "--network-alias" not in words
    assert "--publish" in words


def test_words_of_a_stop_are_whole_seconds_and_signals_have_names() -> None:
    assert LINES["stop"] == ("stop", "-t", "2", "rpx-shop-db-1")
    assert LINES["kill"] == ("kill", "--signal", "SIGKILL", "rpx-shop-db-1")
    assert LINES["exec"][-4:] == ("rpx-shop-db-1", "sh", "-c", "pg_isready && x")
    assert LINES["build"] == (
        *("build", "--tag", "shop/db", "--file", "/shop/db/Dev", "--target", "run"),
        *("--platform", "linux/amd64", "--build-arg", "A=1", "--build-arg", "B", "/shop/db"),
    )


@pytest.mark.real
@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker client")
@pytest.mark.parametrize("name", LINES)
def test_the_client_of_docker_knows_every_word(name: str, tmp_path: Path) -> None:
    """Without a daemon it still reads its command line first."""
    lines: Sequence[str] = [word.replace("/run/cid", f"{tmp_path}/cid") for word in LINES[name]]
    done = subprocess.run(
        (str(shutil.which("docker")), *lines),
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "DOCKER_HOST": "unix:///no/where"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert "unknown" not in done.stderr
    assert "invalid" not in done.stderr
    said = done.stderr.lower()
    assert "no/where" in said or "not a tty" in said or "context" in said or "path" in said
