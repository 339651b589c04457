"""How commands end when something goes wrong."""

from __future__ import annotations

import re
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


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), BaseExceptionGroup("", [KeyboardInterrupt()])]
)
def test_an_interrupt_is_quiet(error: BaseException, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(raising(error)) == 130
    assert capsys.readouterr().err == ""
