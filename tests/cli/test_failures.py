"""How commands end when something goes wrong."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from rpx.cli.failures import reported
from rpx.errors import NotRunning, RpxError


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def test_an_error_for_the_user_prints_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(raising(NotRunning("nothing runs", hint="`rpx up`"))) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: nothing runs\nhint: `rpx up`\n")


def test_an_error_out_of_nurseries_prints_as_itself(capsys: pytest.CaptureFixture[str]) -> None:
    group = BaseExceptionGroup("", [ExceptionGroup("", [RpxError("the port is taken")])])
    assert reported(raising(group)) == 1
    assert capsys.readouterr().err == "error: the port is taken\n"


def test_a_bug_is_an_apology_and_a_file(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(raising(ZeroDivisionError("oops"))) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: rpx itself failed: ZeroDivisionError: oops\nhint: ")
    assert "Traceback" not in err
    path = re.search(r"details are in (\S+)", err)
    assert path is not None
    assert Path(path[1]).is_relative_to(state)
    assert "ZeroDivisionError: oops" in Path(path[1]).read_text()


def test_too_few_files_are_no_bug_and_nor_is_what_comes_of_that(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lack = OSError(errno.EMFILE, "Too many open files")
    group = BaseExceptionGroup("", [ExceptionGroup("", [OSError(9, "Bad file"), lack])])
    assert reported(raising(group)) == 1
    assert capsys.readouterr().err == (
        "error: the system gives rpx no more of what it needs: Too many open files\n"
        "hint: `ulimit -n` shows how many files it may open: allow it more\n"
    )


def test_a_bug_beside_an_error_is_not_hidden_by_it(capsys: pytest.CaptureFixture[str]) -> None:
    group = ExceptionGroup("", [RpxError("the port is taken"), ZeroDivisionError("oops")])
    assert reported(raising(group)) == 1
    assert "rpx itself failed" in capsys.readouterr().err


def test_where_no_file_can_be_written_the_next_folder_is_tried(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state.touch()
    assert reported(raising(ZeroDivisionError("oops"))) == 1
    path = re.search(r"details are in (\S+)", capsys.readouterr().err)
    assert path is not None
    Path(path[1]).unlink()


@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_what_is_written_of_a_bug_is_for_our_eyes_alone(
    state: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    typed = ["-f", "x.yaml", "run", "db", "--password=secret", "-psecret", "secret"]
    monkeypatch.setattr("sys.argv", ["rpx", *typed])
    (state / "rpx").mkdir(parents=True)
    before = os.umask(umask)
    try:
        for _ in range(3):  # within the same second
            assert reported(raising(ZeroDivisionError("oops"))) == 1
    finally:
        os.umask(before)
    files = list((state / "rpx").iterdir())
    assert len(files) == 3
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.read_text().startswith("rpx run -f\n")
        assert "secret" not in file.read_text()
    assert stat.S_IMODE((state / "rpx").stat().st_mode) == 0o700


@pytest.mark.parametrize("broken", ["state_home", "make_folder", "_command"])
def test_the_reporter_of_bugs_does_not_die_of_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no home")

    monkeypatch.setattr(f"rpx.cli.failures.{broken}", fail)
    assert reported(raising(ZeroDivisionError("oops"))) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: rpx itself failed: ZeroDivisionError: oops\nhint: ")
    assert "raise error" in err  # the traceback, as there is no file


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])]
)
def test_an_interrupt_is_quiet(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(raising(error)) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_full_disk_is_no_bug_of_rpx(
    number: int, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reported(raising(OSError(number, "it is full"))) == 1
    assert capsys.readouterr().err == (
        "error: could not write: it is full\nhint: see where stdout goes\n"
    )
    assert not list(state.rglob("crash-*"))


def test_a_file_of_rpx_that_nobody_minded_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(raising(OSError(errno.ENOSPC, "it is full", "/a/file"))) == 1
    assert "rpx itself failed" in capsys.readouterr().err
