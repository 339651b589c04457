"""The guides show what `rpx init` says of a file: it does, of the file beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rpx.cli.main import main

GUIDES = Path(__file__).parents[2] / "docs" / "guides"


@pytest.mark.parametrize(
    ("guide", "files"),
    [
        ("from-docker-compose.md", ("compose.yaml", "web/package.json", "api/app.py")),
        ("from-procfile.md", ("Procfile.dev",)),
    ],
)
def test_what_a_guide_shows_of_init_is_what_it_says(
    guide: str,
    files: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (GUIDES / guide).read_text()
    folder = tmp_path / "shop"
    had = re.search(r"^What you had.*\n\n```text\n(.*?)```", page, re.MULTILINE | re.DOTALL)
    assert had
    for name in files:  # the first is on the page, the others only have to be there
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}" if name.endswith(".json") else "")
    (folder / files[0]).write_text(had[1])
    monkeypatch.chdir(folder)
    assert main(["init", "--yes"]) == 0
    shown = re.search(r"\$ rpx init\n(.*?)write rpx.yaml\? ", page, re.DOTALL)
    assert shown
    assert capsys.readouterr().out == shown[1]
