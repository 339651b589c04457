"""Lines in files: as they were, rotated, private, and readable while all of that goes on."""

from __future__ import annotations

import os
import resource
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpx.journal.files import Files, began, newest_first, services
from rpx.journal.form import JournalLine, parsed, stamp, written
from rpx.journal.reader import labels_in, read
from rpx.model.own_settings import Logs
from rpx.model.status import Printed


def line(number: int, label: str = "api:3000") -> bytes:
    return written(Printed(label, float(number), b"%d\n" % number))


def texts(folder: Path, **details: object) -> list[bytes]:
    return [entry.text for entry in read(folder, services(folder), **details)]  # type: ignore[arg-type]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "state" / "shop", Logs())


@given(
    st.floats(0, 2e9).map(lambda at: round(at, 6)),
    st.lists(st.binary().map(lambda text: text.replace(b"\n", b"")), min_size=1),
)
def test_every_byte_and_every_microsecond_comes_back(at: float, lines: list[bytes]) -> None:
    text = b"".join(each + b"\n" for each in lines)
    *entries, rest = written(Printed("api:3000", at, text)).split(b"\n")
    assert rest == b""
    assert [parsed(entry) for entry in entries] == [
        JournalLine(stamp(at), "api:3000", each) for each in lines
    ]
    assert JournalLine(stamp(at), "", b"").at == pytest.approx(at, abs=1e-6)


@given(st.floats(0, 2e9), st.floats(0, 2e9))
def test_stamps_sort_like_the_times_they_stand_for(one: float, two: float) -> None:
    one, two = sorted((one, two))
    assert stamp(one) <= stamp(two)


@pytest.mark.parametrize("torn", [b"", b"2026-11-25T20:3", b"200 OK", b"x" * 100])
def test_what_is_no_line_of_ours_is_left_out(torn: bytes) -> None:
    assert parsed(torn) is None


def test_files_are_for_nobody_else_to_see(files: Files) -> None:
    files.begin("shop", Path("/shop/rpx.yaml"), 12.5)
    files.append("api", [line(1)])
    modes = {stat.S_IMODE(path.stat().st_mode) for path in files.folder.iterdir()}
    assert modes == {0o600}
    folders = [files.folder, files.folder.parent]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
    assert began(files.folder) == 12.5


def test_a_full_file_is_set_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    files = Files(tmp_path, Logs(max_size=100, keep=2))  # two lines
    for number in range(11):
        files.append("api", [line(number)])
    names = [path.name for path in newest_first(tmp_path, "api")]
    assert names == ["api.log", "api.log.1", "api.log.2"]
    assert texts(tmp_path) == [b"6", b"7", b"8", b"9", b"10"]


def test_a_batch_of_more_than_a_file_is_rotated_within(tmp_path: Path) -> None:
    files = Files(tmp_path, Logs(max_size=100, keep=2))
    files.append("api", [line(number) for number in range(11)])
    assert texts(tmp_path) == [b"6", b"7", b"8", b"9", b"10"]


def test_nothing_is_set_aside_when_nothing_is_to_be_kept(tmp_path: Path) -> None:
    files = Files(tmp_path, Logs(max_size=100, keep=0))
    files.append("api", [line(number) for number in range(5)])
    assert [path.name for path in tmp_path.iterdir()] == ["api.log"]
    assert texts(tmp_path) == [b"4"]


def test_a_folder_that_somebody_removes_is_there_again(files: Files) -> None:
    files.append("api", [line(1)])
    (files.folder / "api.log").unlink()
    files.folder.rmdir()
    files.append("api", [line(2)])
    assert texts(files.folder) == [b"2"]


def test_a_link_is_not_followed(files: Files, tmp_path: Path) -> None:
    files.append("web", [line(1)])
    (tmp_path / "precious").touch()
    (files.folder / "api.log").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match=r"api\.log"):
        files.append("api", [line(1)])
    assert (tmp_path / "precious").read_bytes() == b""


def test_a_line_that_a_full_disk_has_torn_hurts_only_itself(files: Files) -> None:
    """The limit on a file's size is the one way to fill a disk that a test has."""
    files.append("api", [line(1)])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            files.append("api", [line(2)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.path.getsize(files.folder / "api.log") == 60
    files.append("api", [line(3)])
    assert [text for text in texts(files.folder) if text] == [b"1", b"3"]


# ---------------------------------------------------------------- reading


@pytest.fixture
def shop(files: Files) -> Path:
    """Two services; one has two copies."""
    for number in range(6):
        files.append("api", [line(number, f"api:{3000 + number % 2}")])
        files.append("db", [line(number, "db")])
    return files.folder


def test_services_are_merged_by_time(shop: Path) -> None:
    assert texts(shop) == [b"%d" % (n // 2) for n in range(12)]


def test_a_tail_is_of_each_backend(shop: Path) -> None:
    entries = read(shop, ["api", "db"], tail=1)
    assert [(entry.label, entry.text) for entry in entries] == [
        ("api:3000", b"4"),
        ("api:3001", b"5"),
        ("db", b"5"),
    ]


def test_a_tail_goes_on_in_older_files(tmp_path: Path) -> None:
    files = Files(tmp_path, Logs(max_size=100, keep=5))
    for number in range(9):
        files.append("api", [line(number)])
    assert texts(tmp_path, tail=4) == [b"5", b"6", b"7", b"8"]


def test_labels_and_times_limit_what_is_read(shop: Path) -> None:
    assert labels_in(shop, "api") == ["api:3000", "api:3001"]
    assert texts(shop, labels={"api:3001"}) == [b"1", b"3", b"5"]
    assert texts(shop, labels={"db"}, since=4.0) == [b"4", b"5"]
    assert texts(shop, labels={"api:3000", "db"}, before={"db": 1.0, "api:3000": 2.0}) == [
        b"0",
        b"0",
    ]


def test_there_may_be_nothing_at_all(tmp_path: Path) -> None:
    assert services(tmp_path / "nowhere") == []
    assert began(tmp_path) == 0
    assert read(tmp_path, ["api"]) == []
