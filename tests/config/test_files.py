"""The files in fixtures/configs: bad ones say exactly what is expected, good ones load."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import load_config
from rpx.errors import ConfigError, Exit

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
BAD = sorted((CONFIGS / "bad").glob("*.yaml"))
GOOD = sorted((CONFIGS / "good").glob("*.yaml"))
VARIABLES = {"HTTP_PORT": "8080", "PASSWORD": "a$b"}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_gets_exactly_its_message(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(ConfigError) as caught:
        load_config(Path(path.name), {})
    assert caught.value.exit_code == Exit.USAGE
    said = str(caught.value).replace(str(path.parent), "FOLDER")
    assert said + "\n" == path.with_suffix(".txt").read_text("utf-8")


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_every_problem_has_a_place_a_line_and_a_hint(path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    for problem in caught.value.problems:
        assert problem.what
        assert f"{path.name}:" in problem.where
        assert problem.excerpt.splitlines()[-1].strip(" |\t").strip("^") == ""
        assert problem.hint


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_loads_without_a_warning(path: Path) -> None:
    warnings: list[str] = []
    config = load_config(path, VARIABLES, warnings.append)
    assert config.file == path
    assert config.root == path.parent
    assert warnings == []


def test_every_message_belongs_to_a_file() -> None:
    assert {path.stem for path in (CONFIGS / "bad").glob("*.txt")} == {path.stem for path in BAD}
