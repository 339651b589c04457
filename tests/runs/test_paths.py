"""Where lease and socket lie, and who may look at them."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from rpx.errors import RpxError
from rpx.folders import make_private
from rpx.runs.paths import LONGEST, SOCKET, runtime_folder


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    return folder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_file_has_its_folder_and_always_the_same(runtime: Path, tmp_path: Path) -> None:
    folder = runtime_folder(tmp_path / "a" / "rpx.yaml")
    assert folder.parent == runtime / "rpx"
    assert len(folder.name) == 12
    assert runtime_folder(tmp_path / "b" / ".." / "a" / "rpx.yaml") == folder
    assert runtime_folder(tmp_path / "b" / "rpx.yaml") != folder


def test_asking_where_touches_nothing(runtime: Path, tmp_path: Path) -> None:
    runtime_folder(tmp_path / "rpx.yaml")
    assert list(runtime.iterdir()) == []


def test_a_runtime_folder_too_long_for_a_socket_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(long))
    monkeypatch.setattr("rpx.folders.LOGIN", tmp_path / "none")
    folder = runtime_folder(tmp_path / "rpx.yaml")
    assert folder.parent == Path(f"/tmp/rpx-{os.getuid()}")


def test_a_socket_fits_wherever_the_folder_is(tmp_path: Path) -> None:
    path = runtime_folder(tmp_path / ("y" * 200) / "rpx.yaml") / SOCKET
    assert len(os.fsencode(path)) <= LONGEST
    make_private(path.parent)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    path.unlink()
    path.parent.rmdir()


def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    make_private(tmp_path / "rpx" / "abc")
    assert mode(tmp_path / "rpx") == mode(tmp_path / "rpx" / "abc") == 0o700


def test_a_folder_of_ours_that_others_can_enter_is_mended(tmp_path: Path) -> None:
    folder = tmp_path / "rpx" / "abc"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    make_private(folder)
    assert mode(folder) == 0o700


def test_a_link_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "rpx").mkdir()
    (tmp_path / "rpx" / "abc").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RpxError, match="is not a folder"):
        make_private(tmp_path / "rpx" / "abc")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rpx").mkdir()
    os.chown(tmp_path / "rpx", 12345, 12345)
    with pytest.raises(RpxError, match="belongs to another user") as error:
        make_private(tmp_path / "rpx" / "abc")
    assert "hint: " in str(error.value)


def test_a_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rpx").touch()
    with pytest.raises(RpxError, match=r"rpx, .* is not a folder"):
        make_private(tmp_path / "rpx" / "abc")
