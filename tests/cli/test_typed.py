"""Commands in messages can be typed as they stand there."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx.cli.main import main
from rpx.cli.typed import name_project, typed


@pytest.fixture
def named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "my shop" / "rpx.yaml"
    name_project(file)
    yield file
    name_project(None)


def test_a_command_names_the_file_where_one_was_named(named: Path) -> None:
    assert typed("see `rpx ps`; or `rpx logs -n 3 api`") == (
        "see `rpx -f 'my shop/rpx.yaml' ps`; or `rpx -f 'my shop/rpx.yaml' logs -n 3 api`"
    )


@pytest.mark.parametrize(
    "text",
    [
        "`rpx ps --help` shows how it is used",
        "`rpx down -f /elsewhere/rpx.yaml` stops it",
        "`rpx projects` lists what runs",
        "`rpx trust` again",
        "`rpx -f shop/rpx.yaml start api`",
        "rpx up",
    ],
)
def test_what_is_of_no_project_or_names_one_stays_as_it_is(named: Path, text: str) -> None:
    assert typed(text) == text


def test_without_a_file_nothing_is_added() -> None:
    assert typed("`rpx ps`") == "`rpx ps`"


def test_the_hint_of_an_error_reaches_the_project_it_is_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tmp_path.chmod(0o700)
    folder = tmp_path / "a shop"
    folder.mkdir()
    (folder / "rpx.yaml").write_text("name: shop\n")
    assert main(["ps", "-f", "a shop/rpx.yaml"]) == 3
    hint = capsys.readouterr().err.splitlines()[-1]
    assert hint == f"hint: start it: `rpx -f {shlex.quote('a shop/rpx.yaml')} up`"
    assert main(["ps", "-f", "no shop/rpx.yaml"]) == 3
    error, hint = capsys.readouterr().err.splitlines()
    assert error == "error: nothing runs here, and there is no file no shop/rpx.yaml"
    assert hint == "hint: `rpx projects` lists what runs"
