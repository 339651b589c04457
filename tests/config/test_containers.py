"""`image`, `build` and what stands beside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.errors import ConfigError
from rpx.model.config import Config
from rpx.model.container import Container, ImageBuild, Volume


def loaded(folder: Path, text: str) -> Config:
    file = folder / "rpx.yaml"
    file.write_text(text)
    return load_config(file, {})


def container_of(folder: Path, words: str) -> tuple[Container, object]:
    start = loaded(folder, f"processes: {{db: {{{words}}}}}").processes[0].start
    assert start.container is not None
    return start.container, start.command


def test_an_image_is_all_that_a_container_needs(tmp_path: Path) -> None:
    assert container_of(tmp_path, "image: postgres:16") == (Container(image="postgres:16"), ())


def test_its_command_is_taken_apart_into_words_and_no_shell_sees_it(tmp_path: Path) -> None:
    _, command = container_of(tmp_path, "image: x, command: postgres -c 'a b=$c'")
    assert command == ("postgres", "-c", "a b=$c")
    _, command = container_of(tmp_path, "image: x, command: [echo, a b]")
    assert command == ("echo", "a b")


def test_a_volume_is_a_folder_beside_the_file_or_has_a_name_or_goes_with_the_container(
    tmp_path: Path,
) -> None:
    found, _ = container_of(
        tmp_path, 'image: x, volumes: ["data:/d", "./conf:/etc/app:ro", "../up:/u", /cache]'
    )
    assert found.volumes == (
        Volume(source="data", target="/d"),
        Volume(source=f"{tmp_path}/conf", target="/etc/app", options="ro"),
        Volume(source=f"{tmp_path.parent}/up", target="/u"),
        Volume(source="", target="/cache"),
    )
    assert [volume.name for volume in found.volumes] == ["data", "", "", ""]


def test_a_build_is_a_folder_or_says_more(tmp_path: Path) -> None:
    (tmp_path / "db").mkdir()
    found, _ = container_of(tmp_path, "build: ./db")
    assert found.build == ImageBuild(context=tmp_path / "db")
    found, _ = container_of(
        tmp_path, "build: {context: db, target: run, args: [A=1, B]}, image: shop/db"
    )
    assert found.image == "shop/db"
    assert found.build is not None
    assert found.build.target == "run"


def test_the_signal_of_the_image_holds_unless_one_is_written(tmp_path: Path) -> None:
    assert container_of(tmp_path, "image: x")[0].stop_signal is None
    assert container_of(tmp_path, "image: x, stop_signal: INT")[0].stop_signal == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("command: x, volumes: [a:/b]", "has `volumes`, but neither `image` nor `build`"),
        ("image: x, cwd: .", "is a container, and has `cwd`"),
        ("image: x, stop_signal_to: leader", "is a container, and has `stop_signal_to`"),
        ("image: x, port: 80", "has a `port`, but no address"),
        ("image: ''", "is not the name of an image"),
        ("image: -v", "is not the name of an image"),
        ("image: x, volumes: [data]", "is not a volume"),
        ("image: x, volumes: ['da ta:/d']", "is not the name of a volume"),
        ('image: x, command: "a \'b"', "has a quote that doesn't end"),
        ("image: x, build: ./nowhere", "does not exist"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_a_hint(tmp_path: Path, words: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        container_of(tmp_path, words)
    (problem,) = caught.value.problems
    assert said in problem.what
    assert problem.hint
    assert "rpx.yaml:1:" in problem.where


def test_an_engine_that_rpx_does_not_know_is_an_error(tmp_path: Path) -> None:
    assert loaded(tmp_path, "containers: podman\nprocesses: {a: b}").containers == "podman"
    with pytest.raises(ConfigError, match="is no container engine: `lxc`"):
        loaded(tmp_path, "containers: lxc\nprocesses: {a: b}")
