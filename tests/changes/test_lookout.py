"""Files that change, on a real disk: written, replaced, gone and back, in folders that are new."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from rpx.changes import lookout
from rpx.changes.lookout import Lookout, WatchedFiles, links_on
from rpx.policy.globs import Globs

SOON = 10.0


class Ear:
    """Hears of changes in a folder, by their paths in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: set[str] = set()
        self.complaints: list[str] = []
        self.watched = WatchedFiles()
        self.lookout = Lookout(lambda: self.watched, self.hear, self.complain)
        self._more = trio.Event()

    def hear(self, paths: Collection[str]) -> None:
        self.heard |= {os.path.relpath(path, self.folder) for path in paths}
        self._more.set()

    def complain(self, text: str) -> None:
        self.complaints.append(text)
        self._more.set()

    def look(self, *patterns: str, own: Collection[str] = ()) -> None:
        """Watch something else from now on."""
        paths = frozenset(str(self.folder / name) for name in own)
        globs = (Globs(patterns, str(self.folder)),) if patterns else ()
        self.watched = WatchedFiles(paths, globs)
        self.lookout.look_again()

    async def hears(self, path: str, do: Callable[[], object]) -> None:
        """Do something again and again until it is heard of: who has just begun to listen may be
        too late for the first time.
        """
        with trio.fail_after(SOON):
            while path not in self.heard:
                do()
                self._more = trio.Event()
                with trio.move_on_after(0.3):
                    await self._more.wait()
        self.heard.clear()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something that was heard makes it true."""
        with trio.fail_after(SOON):
            while not true():
                self._more = trio.Event()
                await self._more.wait()


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[Ear]:
    ear = Ear(folder)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ear.lookout.run)
        yield ear
        nursery.cancel_scope.cancel()


async def test_a_file_that_matches_is_told_of_and_others_are_not(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    async with listening(tmp_path) as ear:
        ear.look("src/**/*.py")
        (tmp_path / "src/notes.md").write_text("x")
        await ear.hears("src/app.py", lambda: (tmp_path / "src/app.py").write_text("x"))
        (tmp_path / "src/notes.md").write_text("y")
        await ear.hears("src/app.py", lambda: (tmp_path / "src/app.py").write_text("y"))


async def test_a_file_that_an_editor_replaces_is_told_of_each_time(tmp_path: Path) -> None:
    file, beside = tmp_path / "rpx.yaml", tmp_path / "rpx.yaml.new"

    def save() -> None:
        beside.write_text("x")
        beside.replace(file)

    async with listening(tmp_path) as ear:
        ear.look(own=["rpx.yaml"])
        await ear.hears("rpx.yaml", save)
        await ear.hears("rpx.yaml", save)
        assert not ear.heard


async def test_a_file_that_does_not_exist_yet_is_told_of_when_it_does(tmp_path: Path) -> None:
    async with listening(tmp_path) as ear:
        ear.look(own=[".env", "conf/local.env"])
        await ear.hears(".env", lambda: (tmp_path / ".env").write_text("A=1"))
        (tmp_path / "conf").mkdir()
        await ear.hears("conf/local.env", lambda: (tmp_path / "conf/local.env").write_text("A=1"))


async def test_folders_that_are_new_are_watched_with_what_they_bring(tmp_path: Path) -> None:
    async with listening(tmp_path) as ear:
        ear.look("src/**/*.py")
        await ear.hears("src/a/b/app.py", lambda: _plant(tmp_path / "src/a/b"))
        await ear.hears("src/a/b/more.py", lambda: (tmp_path / "src/a/b/more.py").write_text("x"))


def _plant(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "app.py").write_text("x")


async def test_a_folder_that_was_removed_and_is_back_is_watched_again(tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    async with listening(tmp_path) as ear:
        ear.look("src/**/*.py")
        await ear.hears("src/app.py", lambda: (source / "app.py").write_text("x"))
        (source / "app.py").unlink()
        source.rmdir()
        await ear.until(lambda: "src/app.py" in ear.heard)
        ear.heard.clear()
        await ear.hears("src/app.py", lambda: _plant(source))


async def test_what_is_ignored_is_not_even_watched(tmp_path: Path) -> None:
    for name in ("src/a", "node_modules/left-pad", ".git/objects", "src/__pycache__"):
        (tmp_path / name).mkdir(parents=True)
    folders = WatchedFiles(globs=(Globs(["**/*.py"], str(tmp_path)),)).folders()
    inside = {Path(folder) for folder in folders}
    assert inside == {tmp_path.parent, tmp_path, tmp_path / "src", tmp_path / "src/a"}


async def test_others_can_be_watched_from_now_on(tmp_path: Path) -> None:
    async with listening(tmp_path) as ear:
        ear.look(own=["a"])
        await ear.hears("a", lambda: (tmp_path / "a").write_text("x"))
        ear.look(own=["b"])
        await ear.hears("b", lambda: (tmp_path / "b").write_text("x"))
        (tmp_path / "a").write_text("y")
        await ear.hears("b", lambda: (tmp_path / "b").write_text("y"))


async def test_a_pattern_that_takes_in_too_much_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "MOST", 5)
    for number in range(10):
        (tmp_path / f"folder{number}").mkdir()
    async with listening(tmp_path) as ear:
        ear.look("**/*.py")
        await ear.until(lambda: ear.complaints)
        assert "there are too many folders below" in ear.complaints[0]
        ear.look(own=["a"])
        await ear.hears("a", lambda: (tmp_path / "a").write_text("x"))


async def test_what_the_system_refuses_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    async with listening(tmp_path) as ear:
        with monkeypatch.context() as patch:
            patch.setattr("watchfiles._rust_notify.RustNotify", refuse)
            ear.look(own=["a"])
            await ear.until(lambda: ear.complaints)
        assert "files can't be watched" in ear.complaints[0]
        ear.look(own=["a"])
        await ear.hears("a", lambda: (tmp_path / "a").write_text("x"))


async def test_ending_does_not_wait_for_the_thread(tmp_path: Path) -> None:
    async with listening(tmp_path) as ear:
        ear.look(own=["a"])
        await ear.hears("a", lambda: (tmp_path / "a").write_text("x"))
        began = trio.current_time()
    assert trio.current_time() - began < 1.0


async def test_nothing_to_watch_starts_nothing(tmp_path: Path) -> None:
    async with listening(tmp_path) as ear:
        (tmp_path / "a").write_text("x")
        await trio.sleep(0.05)
        assert not ear.heard
        ear.look(own=["a"])
        await ear.hears("a", lambda: (tmp_path / "a").write_text("x"))


def test_every_link_on_the_way_is_known(tmp_path: Path) -> None:
    root = Path(os.path.realpath(tmp_path))
    (root / "data/2/sub").mkdir(parents=True)
    (root / "data/now").symlink_to("2")
    (root / "live").symlink_to(root / "data/now/sub/..")
    (root / "data/2/file").symlink_to("../other")
    (root / "circle").symlink_to("circle")
    known = links_on(str(root / "live/./file"))
    assert known == [str(root / name) for name in ("live", "data/now", "data/2/file")]
    assert links_on(str(root / "data/2/sub")) == []
    assert set(links_on(str(root / "circle/x"))) == {str(root / "circle")}
