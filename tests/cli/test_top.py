"""Shares of a CPU from two looks, and what `rpx top` prints of them."""

from __future__ import annotations

import pytest

from rpx.cli.commands.top import _picture, _rated
from rpx.cli.screen.beginning import how_to_get
from rpx.model.answers import Ps, read


def row(label: str = "api:3000", pid: int | None = 1, cpu: float | None = 0.0) -> Ps:
    return read(Ps, {"label": label, "pid": pid, "cpu": cpu})


def percents(now: list[Ps], before: list[Ps] | None) -> list[float | None]:
    return [percent for _, percent in _rated(now, before, 2.0)]


def test_a_share_is_what_was_used_since_the_last_look() -> None:
    assert percents([row(cpu=3.0)], [row(cpu=1.0)]) == [100.0]
    assert percents([row(cpu=1.0)], [row(cpu=1.0)]) == [0.0]


@pytest.mark.parametrize(
    ("now", "before"),
    [
        (row(), None),
        (row(), row(label="other")),
        (row(pid=2), row(pid=1)),
        (row(pid=None, cpu=None), row()),
        (row(), row(cpu=None)),
    ],
)
def test_there_is_none_for_a_process_that_was_not_there(now: Ps, before: Ps | None) -> None:
    assert percents([now], None if before is None else [before]) == [None]


def test_a_child_that_ends_unwaited_for_makes_no_negative_share() -> None:
    assert percents([row(cpu=1.0)], [row(cpu=5.0)]) == [0.0]


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/ada/.venv", "pip install 'rpx-dev[tui]'"),
        ("/home/ada/.local/share/pipx/venvs/rpx-dev", "pipx inject rpx-dev textual"),
        ("/home/ada/.local/share/uv/tools/rpx-dev", "uv pip install -p /x/python textual"),
    ],
)
def test_the_table_says_how_to_get_the_screen_into_this_environment(
    prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.prefix", prefix)
    monkeypatch.setattr("sys.executable", "/x/python")
    assert how_to_get() == command
    last = _picture([row()], None, 0.0, hint=f"; `{command}`", colour=False)[-1]
    assert last.endswith(f"q quits; `{command}`")
