"""The lines of a run as one list, of which windows are read from its files."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from rpx.journal import log_pages, timeline
from rpx.journal.files import Files
from rpx.journal.form import JournalLine, written
from rpx.journal.timeline import Choice, Timeline
from rpx.model.own_settings import Logs
from rpx.model.status import Printed

ALL = Choice("all", None)
BEGAN = 1_700_000_000.0


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_pages, "PAGE", 2000)
    monkeypatch.setattr(log_pages, "CHUNK", 500)
    monkeypatch.setattr(log_pages, "MOST", 2000)
    monkeypatch.setattr(timeline, "NAP", 0.0)


class Journal:
    """Files that are written to, and what stands in them since BEGAN."""

    def __init__(self, folder: Path, max_size: int = 1 << 20, keep: int = 3) -> None:
        self.files = Files(folder, Logs(max_size=max_size, keep=keep))
        self.files.begin("shop", folder / "rpx.yaml", BEGAN)
        self.lines: list[tuple[float, str, str]] = []
        self._random = Random(7)

    def print_(self, count: int, begin: float = BEGAN, services: str = "abc") -> None:
        at = begin
        for _ in range(count):
            at += self._random.random()
            label = f"{self._random.choice(services)}:{self._random.randint(1, 2)}"
            text = f"line {len(self.lines)} " + "x" * self._random.randint(0, 60)
            printed = Printed(label, round(at, 6), f"{text}\n".encode())
            self.files.append(label[0], [written(printed)])
            if at >= BEGAN:
                self.lines.append((printed.at, label, text))


def texts(lines: list[JournalLine]) -> list[str]:
    return [line.text.decode() for line in lines]


def test_windows_are_those_of_the_whole_list_also_while_it_grows(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.print_(200, BEGAN - 1000)  # an earlier run's
    journal.print_(500)
    there = Timeline(tmp_path, BEGAN)
    for _ in range(3):
        expected = [text for _, _, text in journal.lines]
        for first in (0, 1, 17, 250, len(expected) - 3, len(expected)):
            found = there.window(ALL, first, 40)
            assert (found.begin, found.end, found.first) == (0, len(expected), first)
            assert texts(found.lines) == expected[first : first + 40]
        last = there.window(ALL, None, 40)
        assert texts(last.lines) == expected[-40:]
        assert last.counted == 1
        at = journal.lines[100][0]
        around = there.window(ALL, None, 40, at)
        assert texts(around.lines) == expected[80:120]
        journal.print_(150, journal.lines[-1][0])


def test_what_is_chosen_has_numbers_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.print_(500)
    there = Timeline(tmp_path, BEGAN)
    some = Choice("some", lambda line: line.label == "a:1" and b"7" in line.text, "7")
    for _ in range(2):
        expected = [t for _, label, t in journal.lines if label == "a:1" and "7" in t]
        found = there.window(some, 3, 10)
        assert (found.end, texts(found.lines)) == (len(expected), expected[3:13])
        journal.print_(100, journal.lines[-1][0])
    nothing = there.window(Choice("none", lambda _: False, "no such text"), None, 10)
    assert (nothing.end, nothing.lines, nothing.counted) == (0, [], 1)


def test_a_long_search_says_how_far_it_is_and_has_the_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "BUDGET", -1.0)
    journal = Journal(tmp_path)
    journal.print_(500)
    there = Timeline(tmp_path, BEGAN)
    some = Choice("some", lambda line: line.label == "a:1")
    expected = [t for _, label, t in journal.lines if label == "a:1"]
    found = there.window(some, None, 5)
    assert 0 < found.counted < 1
    assert expected[-len(found.lines) :] == texts(found.lines)
    monkeypatch.setattr(timeline, "BUDGET", 30.0)
    found = there.window(some, None, 5)
    assert (found.counted, found.end) == (1, len(expected))


def test_numbers_stay_what_they_are_while_old_files_go(tmp_path: Path) -> None:
    journal = Journal(tmp_path, max_size=6000, keep=1)
    journal.print_(200)
    there = Timeline(tmp_path, BEGAN)
    whole = there.window(ALL, None, 10)
    found = whole
    for _ in range(8):
        journal.print_(60, journal.lines[-1][0])
        found = there.window(ALL, None, 10)
        assert texts(found.lines) == [text for _, _, text in journal.lines[-10:]]
    assert found.begin > whole.begin
    assert found.end == whole.end + 8 * 60
    first = there.window(ALL, 0, 10)
    assert first.first == first.begin
    assert len(first.lines) == 10


def test_a_clock_that_is_set_back_hides_no_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.print_(100, BEGAN + 500, "a")
    journal.print_(100, BEGAN + 100, "a")
    there = Timeline(tmp_path, BEGAN)
    found = there.window(ALL, 0, 500)
    assert sorted(texts(found.lines)) == sorted(text for _, _, text in journal.lines)


def test_where_nothing_was_printed_there_is_nothing(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        found = Timeline(folder, BEGAN).window(ALL, None, 10, 3.0)
        assert (found.first, found.begin, found.end, found.lines) == (0, 0, 0, [])


def test_a_torn_line_and_a_very_long_one_are_in_nobodys_way(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.print_(20, services="a")
    long = Printed("a:1", BEGAN + 900, b"y" * 5000 + b"\n")
    journal.files.append("a", [b"2026-torn\n", written(long)])
    journal.print_(20, BEGAN + 1000, "a")
    with (tmp_path / "a.log").open("ab") as file:
        file.write(b"2026-11-30T10:00:00.000000Z a:1 no end yet")
    there = Timeline(tmp_path, BEGAN)
    found = there.window(ALL, None, 100)
    assert len(found.lines) == 41
    assert texts(found.lines)[-1] == journal.lines[-1][2]
