"""`rpx export`: where it writes, and what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.cli.main import main

TEXT = "name: shop\nfrom: 3000\nto: a.localhost\nstart: npm start\nreload: auto\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rpx.yaml").write_text(TEXT)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_the_file_goes_to_stdout_and_what_was_lost_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["export", "compose"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("# Written by `rpx export compose`")
    assert "lost:\n  rpx.yaml:5: reload: only rpx has that\n" in err
    assert main(["export", "compose", "--strict"]) == 1


def test_a_file_that_is_there_stays_unless_force_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "compose.yaml"
    file.write_text("mine\n")
    assert main(["export", "compose", "-o", "compose.yaml"]) == 2
    assert "compose.yaml is there already" in capsys.readouterr().err
    assert file.read_text() == "mine\n"
    assert main(["export", "compose", "-o", "compose.yaml", "--force"]) == 0
    assert "services:" in file.read_text()
    assert sorted(each.name for each in folder.iterdir()) == ["compose.yaml", "rpx.yaml"]


def test_a_folder_gets_a_file_with_the_usual_name(folder: Path) -> None:
    assert main(["export", "compose", "-o", "out/"]) == 0
    assert (folder / "out/compose.yaml").exists()
    assert main(["export", "compose", "-o", "out"]) == 2


def test_units_have_values_and_are_for_their_owner_alone(folder: Path) -> None:
    assert main(["export", "systemd", "-o", "units/"]) == 0
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.glob("units/*.service")}
    assert modes == {"shop-a.service": 0o600}
