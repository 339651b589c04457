"""Which engine answers, by programs that answer in different ways."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.engine.engine_client import NEVER, Engine, ask
from rpx.engine.leftovers import containers_with, remove
from rpx.engine.which_engine import answering, try_engine
from rpx.errors import RpxError

pytestmark = pytest.mark.real
WORKS = 'case "$1" in --version) echo "Docker version 28";; *) echo 28.2.2;; esac'
SHIM = 'case "$1" in --version) echo "podman version 4.3";; *) echo 4.3.1;; esac'
DOWN = "echo 'Cannot connect to the Docker daemon' >&2; exit 1"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for; no containers.conf is the user's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("CONTAINERS_CONF", raising=False)
    return tmp_path


def program(path: Path, name: str, script: str) -> None:
    (path / name).write_text(f"#!/bin/sh\n{script}\n")
    (path / name).chmod(0o755)


def test_docker_is_asked_first_and_podman_where_that_does_not_answer(path: Path) -> None:
    program(path, "docker", WORKS)
    program(path, "podman", "echo 5.0.0")
    assert answering(None, ["db"]).name == "docker"
    assert answering("podman", ["db"]).name == "podman"
    program(path, "docker", DOWN)
    assert answering(None, ["db"]).name == "podman"


def test_podman_under_the_name_of_docker_is_spoken_to_as_podman(path: Path) -> None:
    program(path, "docker", SHIM)
    engine, version = try_engine("docker")
    assert engine is not None
    assert (engine.name, engine.program, version) == ("podman", f"{path}/docker", "4.3.1")


def test_where_none_answers_both_are_named_with_their_reasons(path: Path) -> None:
    program(path, "docker", DOWN)
    with pytest.raises(RpxError) as caught:
        answering(None, ["db"], ["api", "web"])
    [problem] = caught.value.problems
    assert problem.what == (
        "`db` needs a container engine, and neither docker nor podman answers"
        " (docker: Cannot connect to the Docker daemon; podman: not installed)"
    )
    assert problem.hint.endswith("the rest can be started: `rpx up api web`")
    with pytest.raises(RpxError, match="`podman` does not answer"):
        answering("podman", ["db"])


def test_podman_that_gives_containers_the_network_of_the_machine_has_no_bridges(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(path, "podman", "echo 4.3.1")
    conf = path / "containers.conf"
    monkeypatch.setenv("CONTAINERS_CONF", str(conf))
    for text, bridges in (('[containers]\nnetns = "host"\n', False), ("[containers]\n", True)):
        conf.write_text(text)
        assert answering(None, ["db"]).bridges is bridges


def test_an_answer_that_does_not_come_is_no_wait_without_a_bound(path: Path) -> None:
    program(path, "docker", "/bin/sleep 100")
    said = ask(f"{path}/docker", ("ps",), 0.1)
    assert said.code == NEVER
    assert said.complaint == "no answer within 0.1 s"
    said = ask(f"{path}/nothing", ("ps",), 0.1)
    assert said.complaint == "No such file or directory"


def test_one_that_is_gone_already_is_no_failure_of_its_removal(path: Path) -> None:
    program(path, "docker", "echo 'Error response from daemon: No such container: x' >&2; exit 1")
    engine = Engine("docker", f"{path}/docker")
    assert remove(engine, ("x",)).well
    assert containers_with(engine, "a", "b") == ()
    program(path, "docker", "echo 'Error response from daemon: in use' >&2; exit 1")
    assert remove(engine, ("x",)).complaint == "in use"
