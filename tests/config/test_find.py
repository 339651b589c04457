"""Where rpx.yaml is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import find_config
from rpx.errors import Exit, RpxError


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


def test_a_path_that_cannot_exist_holds_no_file(tmp_path: Path) -> None:
    (tmp_path / "rpx.yaml").touch()
    assert find_config(tmp_path / ("a" * 300)) == tmp_path / "rpx.yaml"
