"""Where this user's folders are, in every surrounding that somebody may have."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rpx import folders
from rpx.errors import Exit, RpxError
from rpx.folders import (
    data_home,
    here,
    home,
    is_ours_alone,
    make_folder,
    odd_places,
    runtime_homes,
    state_home,
    temporary_folder,
    unfit_runtime_dir,
    why_unfit,
)

UID = os.getuid()
ROOT = pytest.mark.skipif(UID != 0, reason="only root can give files away")


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name in ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    shared = tmp_path / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setattr(folders, "SHARED", shared)
    monkeypatch.setattr(folders, "LOGIN", tmp_path / "login")
    before = os.umask(0o022)
    yield tmp_path
    os.umask(before)


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a passwd entry."""

    def nobody(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nobody)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("written", [None, "", "relative/home"])
def test_without_a_usable_home_the_passwd_entry_says_it(
    monkeypatch: pytest.MonkeyPatch, written: str | None
) -> None:
    if written is not None:
        monkeypatch.setenv("HOME", written)
    known = home()
    assert known is not None
    assert known.is_absolute()
    assert state_home().is_relative_to(known)


def test_home_wins_even_where_it_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    assert home() == Path("/nonexistent")
    assert state_home() == Path("/nonexistent/.local/state/rpx")
    assert data_home() == Path("/nonexistent/.local/share/rpx")


@pytest.mark.usefixtures("unknown")
def test_who_has_no_home_at_all_keeps_state_among_temporary_files(surroundings: Path) -> None:
    assert home() is None
    assert state_home() == surroundings / "tmp" / f"rpx-{UID}" / "state"
    assert data_home() is None
    (said,) = odd_places(surroundings)
    assert said == f"there is no home folder: logs are kept in {state_home()}"


def test_folders_of_xdg_win_where_they_are_absolute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    monkeypatch.setenv("XDG_DATA_HOME", "data")
    assert state_home() == Path("/state/rpx")
    assert data_home() == Path("/home/a/.local/share/rpx")


def good(folder: Path) -> None:
    folder.mkdir(mode=0o700)


def wide(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def readable(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o755)


def foreign(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, 12345)


def linked(folder: Path) -> None:
    folder.with_name("real").mkdir(mode=0o700)
    folder.symlink_to(folder.with_name("real"))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (good, ""),
        (readable, ""),
        (linked, ""),
        (lambda _: None, "does not exist"),
        (Path.touch, "is not a folder"),
        (wide, "can be written by others"),
        pytest.param(foreign, "belongs to another user", marks=ROOT),
    ],
)
def test_a_runtime_dir_that_does_not_do_is_passed_over_and_it_is_said_why(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], why: str
) -> None:
    chosen = surroundings / "run"
    make(chosen)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(chosen))
    assert why_unfit(chosen) == why
    assert unfit_runtime_dir() == (f"XDG_RUNTIME_DIR, {chosen}, {why}" if why else "")
    first = runtime_homes()[0]
    assert first == (surroundings / "tmp" / f"rpx-{UID}" if why else chosen / "rpx")


def test_a_relative_runtime_dir_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    assert all(each.is_absolute() for each in runtime_homes())
    assert unfit_runtime_dir() == "XDG_RUNTIME_DIR, run, is not an absolute path"
    monkeypatch.delenv("XDG_RUNTIME_DIR")
    assert unfit_runtime_dir() == ""


def test_the_folder_of_the_login_is_found_without_its_variable(surroundings: Path) -> None:
    good(surroundings / "login")
    assert runtime_homes()[0] == surroundings / "login" / "rpx"


def test_the_answer_does_not_change_by_making_what_it_names(surroundings: Path) -> None:
    before = runtime_homes()
    os.umask(0)
    make_folder(before[0] / "abc")
    assert runtime_homes() == before


@pytest.mark.parametrize("make", [Path.touch, linked, pytest.param(foreign, marks=ROOT)])
def test_what_others_have_put_among_temporary_files_is_left_alone(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    make(surroundings / "tmp" / f"rpx-{UID}")
    assert runtime_homes() == [Path("/home/a/.local/state/rpx/run")]
    monkeypatch.setenv("TMPDIR", str(surroundings))
    assert temporary_folder() == surroundings / f"rpx-{UID}"


@pytest.mark.usefixtures("unknown")
@pytest.mark.parametrize("make", [Path.touch, linked, pytest.param(foreign, marks=ROOT)])
def test_where_only_the_folder_of_another_is_left_nothing_is_kept(
    surroundings: Path, make: Callable[[Path], None]
) -> None:
    make(surroundings / "tmp" / f"rpx-{UID}")
    for place in (state_home(), *runtime_homes()):
        with pytest.raises(OSError, match="/dev/null"):
            make_folder(place)
    theirs = surroundings / "tmp" / f"rpx-{UID}"
    (said,) = odd_places(surroundings)
    assert said == f"there is no home folder, and {theirs} can't be ours: set HOME"


def test_temporary_files_that_anybody_may_rename_are_no_place(
    surroundings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/a")
    (surroundings / "tmp").chmod(0o777)  # without the sticky bit
    assert runtime_homes() == [Path("/home/a/.local/state/rpx/run")]


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077, 0o777])
def test_what_is_made_is_ours_alone_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    os.umask(umask)
    folder = tmp_path / "a" / "b" / "c"
    make_folder(folder)
    make_folder(folder)  # is there already
    assert [mode(each) for each in (folder, folder.parent, folder.parent.parent)] == [0o700] * 3
    assert is_ours_alone(folder)


def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to(tmp_path / "none")
    for folder in (tmp_path / "a", tmp_path / "a" / "x", tmp_path / "b", tmp_path / "b" / "x"):
        with pytest.raises(OSError, match=str(tmp_path)):
            make_folder(folder)


def test_a_working_directory_that_has_gone_is_an_error_of_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here() == Path.cwd()
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(RpxError, match="working directory has been removed") as caught:
        here()
    assert caught.value.exit_code == Exit.USAGE
