"""A lease that is kept where commands look, whatever happens to the folders."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rpx import folders
from rpx.errors import RpxError
from rpx.folders import Unusable
from rpx.runs import held as holding
from rpx.runs.held import take
from rpx.runs.lease import Identity, Lease, all_running, crashed_run, crashed_runs, running
from rpx.runs.paths import LEASE, copy_of_lease, runtime_folder


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "run").mkdir(mode=0o700)
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp").chmod(0o1777)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(folders, "SHARED", tmp_path / "tmp")
    monkeypatch.setattr(folders, "LOGIN", tmp_path / "login")
    path = tmp_path / "shop" / "rpx.yaml"
    path.parent.mkdir()
    path.touch()
    return path


def mine(config: Path, run_id: str = "run-1") -> Lease:
    me = Identity.of(os.getpid())
    return Lease(me, me, run_id, "shop", config)


def run_of(lease: Lease | None) -> str | None:
    return lease.run_id if lease else None


@pytest.mark.parametrize("what", ["lease", "folder", "rpx", "run"])
def test_a_lease_that_was_removed_is_found_at_once_and_made_anew(
    config: Path, tmp_path: Path, what: str
) -> None:
    with take(mine(config)) as hold:
        hold.publish("http://api.localhost")
        if what == "lease":
            (runtime_folder(config) / LEASE).unlink()
        else:
            folder = runtime_folder(config)
            places = {"folder": folder, "rpx": folder.parent, "run": tmp_path / "run"}
            shutil.rmtree(places[what])
        assert run_of(running(config)) == "run-1"
        assert [run_of(each) for each in all_running()] == ["run-1"]
        with pytest.raises(RpxError, match=f"already running.*pid {os.getpid()}"):
            take(mine(config, "run-2")).__enter__()
        socket = hold.keep()
        assert (runtime_folder(config) / LEASE).exists()
        assert socket.parent == runtime_folder(config)
        found = running(config)
        assert found is not None
        assert (found.socket, found.url) == (socket, "http://api.localhost")
    assert running(config) is None
    assert crashed_run(config) is None


def test_a_runtime_folder_that_came_back_is_used_again(config: Path, tmp_path: Path) -> None:
    with take(mine(config)) as hold:
        first = hold.keep()
        shutil.rmtree(tmp_path / "run")  # the last logout
        away = hold.keep()
        assert away.is_relative_to(tmp_path / "tmp")
        (tmp_path / "run").mkdir(mode=0o700)  # the next login
        assert run_of(running(config)) == "run-1"
        assert hold.keep() == first
        assert not crashed_runs()
    assert not crashed_runs()


def test_a_folder_that_was_swapped_is_not_believed(config: Path, tmp_path: Path) -> None:
    with take(mine(config)) as hold:
        folder = runtime_folder(config)
        folder.parent.rename(tmp_path / "old")
        folder.mkdir(parents=True, mode=0o700)
        folder.parent.chmod(0o700)
        forged = (tmp_path / "old" / folder.name / LEASE).read_bytes().replace(b"run-1", b"run-x")
        (folder / LEASE).write_bytes(forged)
        assert run_of(running(config)) == "run-1"  # nobody has that file locked
        hold.keep()
        lease = json.loads((folder / LEASE).read_bytes())
        assert lease["run_id"] == "run-1"


def test_what_others_may_have_written_is_not_read(config: Path) -> None:
    with take(mine(config)):
        for folder in (runtime_folder(config), copy_of_lease(config).parent):
            folder.chmod(0o777)
        assert running(config) is None
        assert all_running() == []


def test_who_has_crashed_is_known_also_when_the_runtime_folder_has_gone(config: Path) -> None:
    with take(mine(config)):
        content = copy_of_lease(config).read_bytes()
    copy_of_lease(config).write_bytes(content)
    shutil.rmtree(runtime_folder(config))
    assert run_of(crashed_run(config)) == "run-1"
    assert [run_of(each) for each in crashed_runs()] == ["run-1"]
    with take(mine(config, "run-2")) as hold:
        assert run_of(hold.crashed) == "run-1"
        assert not crashed_runs()
    assert not crashed_runs()


def test_a_second_run_in_other_surroundings_is_refused_all_the_same(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    with take(mine(config)) as hold:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(other))
        with pytest.raises(RpxError, match="already running"), take(mine(config, "run-2")):
            pass
        found = running(config)
        assert found is not None
        assert found.socket == hold.lease.socket


def test_where_no_logs_can_be_kept_one_place_is_enough(config: Path, tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with take(mine(config)) as hold:
        assert run_of(running(config)) == "run-1"
        hold.keep()
        (tmp_path / "state").unlink()
        hold.keep()
        assert copy_of_lease(config).exists()


def test_both_places_are_private(config: Path) -> None:
    before = os.umask(0)
    try:
        with take(mine(config)):
            for path in (runtime_folder(config) / LEASE, copy_of_lease(config)):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)


def test_files_look_used_so_that_cleaners_leave_them(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with take(mine(config)) as hold:
        path = runtime_folder(config) / LEASE
        os.utime(path, (1, 1))
        hold.keep()
        assert path.stat().st_mtime == 1
        monkeypatch.setattr(holding, "TOUCH", 0.0)
        hold.keep()
        assert path.stat().st_mtime > time.time() - 60


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Path]:
    """A file system without any room, in the place of the runtime folder."""
    folder = tmp_path / "run"
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("only root may mount a file system, and not everywhere")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> Path:
    file = folder / "filler"
    try:
        with file.open("wb", buffering=0) as writing:
            while True:
                writing.write(b"x" * 4096)
    except OSError:
        return file


@pytest.mark.skipif(os.getuid() != 0, reason="only root may mount a file system")
def test_a_full_runtime_folder_is_an_error_of_one_sentence(config: Path, full: Path) -> None:
    fill(full)
    with pytest.raises(Unusable, match="No space left on device") as caught, take(mine(config)):
        pass
    assert "XDG_RUNTIME_DIR" in caught.value.problems[0].hint
    assert crashed_run(config) is None, "it has never run"


def test_what_stands_in_the_place_of_the_socket_is_an_error_of_one_sentence(config: Path) -> None:
    mine(config).socket.mkdir(parents=True)
    with pytest.raises(Unusable, match="cannot be written"), take(mine(config)):
        pass
    assert crashed_run(config) is None


def test_a_runtime_folder_that_others_may_write_by_now_is_left(
    config: Path, tmp_path: Path
) -> None:
    with take(mine(config)) as hold:
        (tmp_path / "run").chmod(0o777)
        assert hold.keep().is_relative_to(tmp_path / "tmp")
        assert run_of(running(config)) == "run-1"
        assert [run_of(each) for each in all_running()] == ["run-1"]
    assert not crashed_runs()
