"""`rpx agent init`: what is in .mcp.json and AGENTS.md stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rpx.cli.helpers.agent_files import BEGIN, END, SECTION, ServerEntry, with_section, with_server
from rpx.cli.main import main
from rpx.errors import RpxError

ENTRY = ServerEntry("rpx")
READ_ONLY = ServerEntry("rpx", ("mcp", "--read-only"))


def test_an_entry_joins_those_of_others() -> None:
    assert json.loads(with_server(None, ENTRY)) == {"mcpServers": {"rpx": ENTRY.json()}}
    there = '{\n    "mcpServers": {\n        "db": {"url": "ü"}\n    },\n    "x": 1\n}\n'
    merged = with_server(there, ENTRY)
    assert json.loads(merged) == {"mcpServers": {"db": {"url": "ü"}, "rpx": ENTRY.json()}, "x": 1}
    assert '\n    "mcpServers"' in merged
    assert "ü" in merged
    assert with_server(merged, ENTRY) == merged
    assert json.loads(with_server('{"x": 1}', ENTRY)) == {
        "x": 1,
        "mcpServers": {"rpx": ENTRY.json()},
    }
    assert with_server(there.replace("\n", "\r\n"), ENTRY).count("\r\n") == merged.count("\n")


def test_an_entry_that_serves_stays_as_somebody_has_made_it() -> None:
    mine = {"command": "/opt/rpx", "args": ["mcp", "-C", "shop"], "env": {"A": "1"}}
    text = json.dumps({"mcpServers": {"rpx": mine}})
    assert with_server(text, ENTRY) == text
    read_only = json.loads(with_server(text, READ_ONLY))["mcpServers"]["rpx"]
    assert read_only == {**mine, **READ_ONLY.json()}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"mcpServers": {', "is no JSON: Expecting"),
        ("[]", "is no JSON object"),
        ('{"mcpServers": []}', "no object"),
        ('{"a": 1} // comment', "is no JSON"),
    ],
)
def test_what_is_not_understood_is_an_error_with_what_is_to_be_added(text: str, what: str) -> None:
    with pytest.raises(RpxError) as caught:
        with_server(text, ENTRY)
    assert what in str(caught.value)
    assert '"rpx": {"type": "stdio"' in str(caught.value)


def test_a_section_is_added_once_and_then_replaced_where_it_is() -> None:
    assert with_section(None) == SECTION
    added = with_section("# Shop\n\nUse tabs.\n")
    assert added == f"# Shop\n\nUse tabs.\n\n{SECTION}"
    assert with_section(added) == added
    older = f"# Shop\n\n{BEGIN}\nan older one\n{END}\n\n## More\n"
    assert with_section(older) == f"# Shop\n\n{SECTION}\n## More\n"
    windows = with_section("# Shop\r\n")
    assert windows.count("\r\n") == windows.count("\n")
    assert with_section(windows) == windows


@pytest.mark.parametrize("text", [f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{SECTION}{SECTION}"])
def test_marks_that_are_no_pair_are_an_error(text: str) -> None:
    with pytest.raises(RpxError, match="not one pair"):
        with_section(text)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rpx.yaml").write_text("name: shop\n")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    return tmp_path


def test_both_are_shown_and_written_only_when_somebody_has_agreed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agent", "init"]) == 2
    said = capsys.readouterr().err
    assert '"mcpServers"' in said
    assert "## Running this project" in said
    assert "nobody can be asked" in said
    assert not (folder / ".mcp.json").exists()
    (folder / "CLAUDE.md").write_text("# Shop\n")
    (folder / "AGENTS.md").symlink_to("CLAUDE.md")
    os.chmod(folder / "CLAUDE.md", 0o640)
    assert main(["agent", "init", "--yes"]) == 0
    assert json.loads((folder / ".mcp.json").read_text())["mcpServers"]["rpx"]["args"] == ["mcp"]
    assert (folder / "AGENTS.md").is_symlink()
    assert (folder / "CLAUDE.md").read_text() == f"# Shop\n\n{SECTION}"
    assert (folder / "CLAUDE.md").stat().st_mode & 0o777 == 0o640
    capsys.readouterr()
    assert main(["agent", "init"]) == 0
    assert "nothing to change" in capsys.readouterr().err


def test_where_one_of_them_is_broken_neither_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".mcp.json").write_text("{broken")
    assert main(["agent", "init", "--yes"]) == 1
    assert "nothing was written" in capsys.readouterr().err
    assert (folder / ".mcp.json").read_text() == "{broken"
    assert not (folder / "AGENTS.md").exists()
    assert sorted(each.name for each in folder.iterdir()) == [".mcp.json", "rpx.yaml", "src"]
