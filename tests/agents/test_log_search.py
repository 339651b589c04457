"""Lines for an agent: searched, folded, paged; of files alone, as after a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.agents.log_search import Found, LogCursor, Search, searched
from rpx.errors import UsageError
from rpx.journal.files import Files
from rpx.journal.form import written
from rpx.model.own_settings import Logs
from rpx.model.status import Printed
from rpx.runs.history import Wanted

BEGAN = 1_796_000_000.0


class Output:
    """What a project has printed, in its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "logs"
        self._files = Files(self.folder, Logs())
        self._files.begin("shop", folder / "rpx.yaml", BEGAN)
        self._at = BEGAN

    def says(self, label: str, *lines: str, after: float = 1.0) -> None:
        self._at += after
        text = "".join(f"{line}\n" for line in lines).encode()
        chunk = written(Printed(label, self._at, text))
        self._files.append(label.partition(":")[0], [chunk])

    def look(
        self,
        *names: str,
        text: str = "",
        level: str | None = None,
        since: float | None = None,
        after: LogCursor | None = None,
        room: int = 10_000,
    ) -> Found:
        return searched(
            None, self.folder, Search(Wanted(names, None), text, level, since, after), room
        )


@pytest.fixture
def output(tmp_path: Path) -> Output:
    return Output(tmp_path)


def texts(found: Found) -> list[str]:
    return [line.text for line in found.lines]


def test_lines_of_all_are_merged_by_time_and_repeated_ones_folded(output: Output) -> None:
    output.says("api:1", "2026-11-30T10:00:00 tick")
    output.says("web", "hello")
    output.says("api:1", "2026-11-30T10:00:02 tick", "2026-11-30T10:00:03.5 tick")
    output.says("api:2", "tick")
    output.says("api:1", "2 users", "3 users")
    found = output.look()
    assert [(line.label, line.text[-7:], line.times) for line in found.lines] == [
        ("web", "hello", 1),
        ("api:1", ":03.5 tick"[-7:], 3),
        ("api:2", "tick", 1),
        ("api:1", "2 users", 1),
        ("api:1", "3 users", 1),
    ]
    assert not found.left


def test_they_are_searched_by_text_level_and_name(output: Output) -> None:
    output.says("api:1", "INFO fine", "\x1b[31mERROR Gone\x1b[0m", "  at line 1")
    output.says("web", "level=warn msg=slow")
    assert texts(output.look(text="gone")) == ["ERROR Gone"]
    assert texts(output.look(level="warn")) == ["ERROR Gone", "  at line 1", "level=warn msg=slow"]
    assert texts(output.look("web")) == ["level=warn msg=slow"]
    assert texts(output.look("api", level="error")) == ["ERROR Gone", "  at line 1"]


def test_a_cursor_leads_through_all_of_them_once(output: Output) -> None:
    for number in range(40):
        output.says("api:1", *(f"line {number} {part} {'x' * 30}" for part in range(5)))
    last = output.look(room=600)
    assert last.left
    assert texts(last)[-1].startswith("line 39 4")
    after: LogCursor | None = LogCursor(BEGAN, 0)
    seen: list[str] = []
    while after is not None:
        found = output.look(after=LogCursor.of(str(after)), room=600)
        seen += texts(found)
        after = found.cursor if found.left else None
    assert seen == [f"line {n} {part} {'x' * 30}" for n in range(40) for part in range(5)]
    assert output.look(after=last.cursor).lines == []
    output.says("api:1", "new")
    assert texts(output.look(after=last.cursor)) == ["new"]
    assert texts(output.look(since=BEGAN + 40.5)) == ["new"]


def test_a_cursor_is_behind_what_was_not_looked_for_too(output: Output) -> None:
    output.says("api:1", "INFO fine")
    found = output.look(level="error")
    assert found.lines == []
    assert output.look(after=found.cursor).lines == []


def test_what_is_no_cursor_is_refused() -> None:
    with pytest.raises(UsageError, match="no cursor"):
        LogCursor.of("yesterday")


def test_many_lines_and_one_that_is_endless_are_looked_through(
    output: Output,
) -> None:
    output.says("api:1", "needle")
    output.says("api:1", *(f"{number} hay" for number in range(10_000)))
    output.says("api:1", "x" * 3_000_000)
    assert texts(output.look(text="NEEDLE")) == ["needle"]
    (endless,) = output.look(text="xxx").lines
    assert len(endless.text) < 1100
    assert sum(line.times for line in output.look().lines) < 5_002
