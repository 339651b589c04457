"""Where rpx.yaml is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rpx.config import find_config, load_config
from rpx.errors import ConfigError, Exit, RpxError


@pytest.mark.parametrize("name", ["rpx.yaml", "rpx.yml"])
def test_the_nearest_file_upward_is_found(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / name).touch()
    assert find_config(inner) == tmp_path / name
    (tmp_path / "a" / name).touch()
    assert find_config(inner) == tmp_path / "a" / name


def test_yaml_comes_before_yml(tmp_path: Path) -> None:
    (tmp_path / "rpx.yml").touch()
    (tmp_path / "rpx.yaml").touch()
    assert find_config(tmp_path) == tmp_path / "rpx.yaml"


def test_a_folder_of_that_name_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "a" / "rpx.yaml").mkdir(parents=True)
    (tmp_path / "rpx.yaml").touch()
    assert find_config(tmp_path / "a") == tmp_path / "rpx.yaml"


def test_nothing_upward_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RpxError, match="in any folder above") as caught:
        find_config(tmp_path)
    assert caught.value.exit_code == Exit.USAGE
    assert "-f FILE" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("files", "hint"),
    [
        (["compose.yaml"], "compose.yaml is here: `rpx init` writes an rpx.yaml of it"),
        (["Procfile", "compose.yml"], "compose.yml and Procfile are here: `rpx init`"),
        (["package.json", "mprocs.yaml"], "mprocs.yaml is here"),
        (["manage.py"], "manage.py is here: `rpx init` writes an rpx.yaml for that"),
        ([], "`rpx init` writes one to begin with"),
        (["../.git", "../Procfile", "package.json"], "Procfile is in {above}: `rpx init` there"),
        (["../Procfile"], "`rpx init` writes one to begin with"),  # whoever has put it there
    ],
)
def test_a_folder_without_one_is_told_what_is_in_it_and_who_makes_one_of_it(
    files: list[str], hint: str, tmp_path: Path
) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    with pytest.raises(RpxError) as caught:
        find_config(folder)
    assert hint.format(above=tmp_path) in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0", "is no text"),
        ("to: a.localhost".encode("utf-16"), "is UTF-16, not UTF-8"),
        (b"to: \xff", "is not UTF-8 text (byte 0xFF)"),
        (b"a" * 300_000, "is larger than 256 KiB"),
    ],
)
def test_a_file_that_can_be_no_rpx_yaml_is_called_what_it_is(
    content: bytes, what: str, tmp_path: Path
) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "x.yaml", {})
    (problem,) = caught.value.problems
    assert what in problem.what
    assert problem.hint


def test_a_path_that_cannot_exist_holds_no_file(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").touch()
    assert find_config(tmp_path / ("a" * 300)) == tmp_path / "rpx.yaml"


ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")


@ROOT
def test_a_file_of_somebody_else_is_not_taken_from_above(tmp_path: Path) -> None:
    file, inner = tmp_path / "rpx.yaml", tmp_path / "a"
    inner.mkdir()
    file.touch()
    os.chown(file, 12345, 12345)
    with pytest.raises(RpxError, match=r"found by looking further up, belongs to user 12345") as no:
        find_config(inner)
    assert no.value.exit_code == Exit.USAGE
    assert f"`-f {file}`" in no.value.problems[0].hint
    assert find_config(tmp_path) == file  # who is there has seen it
    os.chown(file, 0, 0)
    (inner / "b").mkdir()
    (inner / "rpx.yaml").symlink_to(file)
    os.chown(inner / "rpx.yaml", 12345, 12345, follow_symlinks=False)
    with pytest.raises(RpxError, match="belongs to user 12345"):
        find_config(inner / "b")


@ROOT
def test_a_file_of_ours_in_a_folder_of_somebody_else_may_have_been_put_there(
    tmp_path: Path,
) -> None:
    outer, inner = tmp_path / "o", tmp_path / "o" / "a"
    inner.mkdir(parents=True)
    (outer / "rpx.yaml").touch()
    os.chown(outer, 12345, 12345)
    assert find_config(inner) == outer / "rpx.yaml"
    outer.chmod(0o777)
    with pytest.raises(RpxError, match=r"the folder of .* belongs to user 12345"):
        find_config(inner)


@ROOT
def test_who_has_called_sudo_is_trusted_like_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "rpx.yaml").touch()
    os.chown(tmp_path / "rpx.yaml", 12345, 12345)
    monkeypatch.setenv("SUDO_UID", "12345")
    assert find_config(tmp_path / "a") == tmp_path / "rpx.yaml"


@ROOT
def test_a_dotenv_that_somebody_else_has_put_there_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").write_text("processes: {a: sleep $A}\n")
    (tmp_path / ".env").write_text("A=1\n")
    os.chown(tmp_path / ".env", 12345, 12345)
    with pytest.raises(ConfigError, match=r"\.env belongs to user 12345, not to you"):
        load_config(tmp_path / "rpx.yaml", {})
    os.chown(tmp_path, 12345, 12345)  # all of it is somebody else's: a volume of a container
    assert load_config(tmp_path / "rpx.yaml", {}).processes
