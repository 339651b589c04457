"""`rpx init` and `rpx import`: what they print, write and leave alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rpx.cli.main import main
from rpx.config import load_config
from rpx.model.file_names import OF_FRAMEWORKS, OF_OTHERS
from rpx.moving.sources.all_sources import SOURCES

COMPOSE = """\
services:
  db:
    image: postgres:16
  worker:
    build: .
    command: python3 worker.py
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    inside = tmp_path / "shop"
    inside.mkdir()
    monkeypatch.chdir(inside)
    return inside


def names(folder: Path) -> set[str]:
    config = load_config(folder / "rpx.yaml", {})
    return {proxy.name for proxy in config.proxies} | {each.name for each in config.processes}


def test_init_writes_what_the_folder_has_and_says_from_where(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    assert main(["init"]) == 0  # no terminal: nobody is asked
    out = capsys.readouterr()
    assert "worker   python3 worker.py" in out.out
    assert "compose.yaml:4" in out.out
    assert "wrote rpx.yaml" in out.err
    assert names(folder) == {"db", "worker"}


def test_every_name_by_which_a_file_is_known_is_named_where_there_is_no_rpx_yaml() -> None:
    known = {*OF_OTHERS, *OF_FRAMEWORKS}
    assert [name for source in SOURCES for name in source.names if name not in known] == []


def test_an_editor_knows_what_was_written_and_needs_no_network_for_it(folder: Path) -> None:
    for command in (["init"], ["init", "--force"]):
        assert main(command) == 0
        first, rest = (folder / "rpx.yaml").read_text().split("\n", 1)
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads(Path(schema).read_text())["title"] == "rpx.yaml"
        assert "yaml-language-server" not in rest


def test_init_of_an_empty_folder_writes_a_page_that_works(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init"]) == 0
    [proxy] = load_config(folder / "rpx.yaml", {}).proxies
    assert proxy.to == "shop.localhost"
    assert "next: `rpx up`" in capsys.readouterr().err


def test_no_rpx_yaml_is_written_over_without_force(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    for name in ("rpx.yaml", "rpx.yml"):
        (folder / name).write_text("mine")
        for command in (["init", "--yes"], ["import", "compose.yaml"]):
            assert main(command) == 2
            assert f"{name} is there already" in capsys.readouterr().err
        assert (folder / name).read_text() == "mine"
        (folder / name).unlink()
    (folder / "rpx.yaml").write_text("mine")
    assert main(["init", "--force"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["compose.yaml", "rpx.yaml"]


def test_stdout_prints_the_file_alone_and_writes_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "rpx.yaml").write_text("mine")
    assert main(["import", "compose.yaml", "--stdout"]) == 0
    (folder / "rpx.yaml").write_text(capsys.readouterr().out)
    assert names(folder) == {"db", "worker"}


def test_strict_is_about_losses_alone_and_the_file_is_written_all_the_same(folder: Path) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    assert main(["import", "compose.yaml", "--strict"]) == 0
    (folder / "compose.yaml").write_text(f"{COMPOSE}    networks: [back]\n")
    assert main(["import", "compose.yaml", "--force"]) == 0
    (folder / "rpx.yaml").unlink()
    assert main(["import", "compose.yaml", "--strict"]) == 1
    assert names(folder) == {"db", "worker"}


def test_a_file_for_developers_beside_compose_yaml_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    (folder / "compose.dev.yaml").write_text(COMPOSE)
    assert main(["init"]) == 0
    assert "`rpx import --force compose.yaml compose.dev.yaml`" in capsys.readouterr().out


def test_a_procfile_runs_what_compose_would_build_and_compose_has_the_databases(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "compose.yaml").write_text(f"{COMPOSE}    depends_on: [db]\n")
    (folder / "Procfile.dev").write_text("web: python3 -m http.server $PORT\n")
    assert main(["init"]) == 0
    assert names(folder) == {"web", "db"}
    assert "of Procfile.dev:1 is run in its place" in capsys.readouterr().out


def test_the_report_is_there_for_scripts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "compose.yaml").write_text(COMPOSE)
    assert main(["import", "compose.yaml", "--json"]) == 0
    services = json.loads(capsys.readouterr().out)["services"]
    assert [(each["name"], each["line"]) for each in services] == [("db", 2), ("worker", 4)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"services: {a: [}", "compose.yaml:1:"),
        (b"services:\n  a: {}\n  a: {}\n", "has `a` twice, first in line 2"),
        (b"\xff\xfe", "is not UTF-8 (line 1)"),
        (b"services:\n\0", "has a NUL character (line 2)"),
        (b"#" * 1_100_000, "has more than 1024 KiB"),
    ],
)
def test_what_can_t_be_read_is_named_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], text: bytes, said: str
) -> None:
    (folder / "compose.yaml").write_bytes(text)
    assert main(["import", "compose.yaml"]) == 2
    assert said in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["compose.yaml"]


def test_a_file_of_nobody_s_and_none_at_all_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes.txt").write_text("milk")
    assert main(["import", "notes.txt"]) == 2
    assert "notes.txt is no file that rpx can move in" in capsys.readouterr().err
    assert main(["import", "gone.yaml"]) == 2
    assert "gone.yaml does not exist" in capsys.readouterr().err
    assert main(["import", "."]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert main(["import"]) == 2
    assert main(["import", "notes.txt", "-o", "no/where.yaml"]) == 2
