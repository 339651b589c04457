"""Which files change, told by the system: folders are watched, since editors replace files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from rpx.policy.globs import IGNORED, Globs

if TYPE_CHECKING:
    from watchfiles._rust_notify import RustNotify

QUIET: Final = 50  # milliseconds without a change after which those before it are told
LONGEST: Final = 150  # milliseconds that a change may wait for that
AGAIN: Final = 1.0  # seconds before another attempt, when folders come and go too fast
MOST: Final = 20_000  # folders; a pattern that takes in more is a mistake
MOST_LINKS: Final = 40  # as Linux has it: more are a circle
TURN: Final = 200  # milliseconds of waiting, after which the thread sees that it is to end
LAST_LOOK: Final = 50, 10, 20  # the same three: longest, quiet, turn
WRITTEN: Final = 2  # watchfiles.Change.modified
POLLED: Final = 300  # milliseconds between looks, where somebody wants that

Seen = set[tuple[int, str]] | str  # what watchfiles says; a text: why there is nothing


class TooMany(Exception):
    """There are too many folders below one."""


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """What is looked for: single files, whether they exist or not, and what matches patterns."""

    files: frozenset[str] = frozenset()
    globs: tuple[Globs, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files or self.globs)

    def means(self, path: str) -> bool:
        """Tell whether it is one of these."""
        return path in self.files or any(globs.match(path) for globs in self.globs)

    def folders(self) -> set[str]:
        """Return the folders in which a change can be one of these, or lead to one.

        Walks the disk: for a thread. Raises: TooMany.
        """
        found = {_existing(os.path.dirname(file)) for file in self.files}
        for globs in self.globs:
            for root, deep in globs.roots():
                found |= {_existing(os.path.dirname(root)), _existing(root)}
                for folder in _below(root) if deep else ():
                    found.add(folder)
                    if len(found) > MOST:
                        raise TooMany(root)
        return found

    def among(self, folders: Collection[str]) -> list[str]:
        """Return those of these that exist in some folders."""
        found: list[str] = []
        for folder in folders:
            try:
                with os.scandir(folder) as entries:
                    found += [entry.path for entry in entries if self.means(entry.path)]
            except OSError:
                continue  # gone again
        return found


class Lookout:
    """Tells which files have changed. Costs nothing while there is nothing to look for."""

    def __init__(
        self,
        watched: Callable[[], WatchedFiles],
        hear: Callable[[Collection[str]], None],
        complain: Callable[[str], None],
    ) -> None:
        """`watched` is asked at first and after each `look_again`; `hear` gets paths; what can't be
        watched is told to `complain`.
        """
        self._watched = watched
        self._hear = hear
        self._complain = complain
        self._again = trio.Event()
        self._stop = threading.Event()  # ends the look that is under way
        self.folders: set[str] = set()  # that are watched
        self._eyes: RustNotify | None = None
        self._wanted = WatchedFiles()  # of those eyes
        self._moved: set[str] = set()  # folders that have come or gone since they were opened

    def look_again(self) -> None:
        """Something else may be wanted."""
        self._again.set()
        self._stop.set()

    async def run(self) -> None:
        """Look until cancelled. What the system has to tell it tells a thread."""
        try:
            while True:
                wanted = self._watched()
                self._again, self._stop = trio.Event(), threading.Event()
                try:
                    if wanted:
                        await self._follow(wanted, self._stop)
                    else:
                        self._eyes, self.folders = None, set()
                        await self._again.wait()
                except FileNotFoundError:
                    await trio.sleep(AGAIN)  # one of the folders has gone meanwhile
                except TooMany as error:
                    await self._give_up(f"there are too many folders below {error}")
                except (OSError, RuntimeError) as error:
                    await self._give_up(str(error))
        finally:
            self._stop.set()

    async def _follow(self, wanted: WatchedFiles, stop: threading.Event) -> None:
        self._tell(await trio.to_thread.run_sync(self._open, wanted))
        while not stop.is_set():
            if self._moved:
                self._tell(await trio.to_thread.run_sync(self._open, wanted))
            else:
                # Abandoned at the end: the thread looks at `stop` in time, nobody waits for it.
                work = partial(self._look, wanted, stop)
                self._tell(await trio.to_thread.run_sync(work, abandon_on_cancel=True))

    def _tell(self, paths: Collection[str]) -> None:
        if paths:
            self._hear(paths)

    async def _give_up(self, why: str) -> None:
        self._complain(f"files can't be watched: {why}; name only those that matter in `watch`")
        await self._again.wait()

    def _open(self, wanted: WatchedFiles) -> list[str]:
        """Watch the folders that matter by now; return what has changed before that was so.

        New eyes are opened before the old ones are closed.
        """
        folders = wanted.folders()
        back, self._moved = self._moved & folders, set()
        if self._eyes is not None and folders == self.folders and not back:
            self._wanted = wanted
            return []
        from watchfiles._rust_notify import RustNotify  # noqa: PLC0415 - only where it is needed

        polling = bool(os.environ.get("WATCHFILES_FORCE_POLLING"))
        eyes = RustNotify(sorted(folders), False, polling, POLLED, False, False)
        missed: list[str] = []
        if self._eyes is not None:
            missed += self._sort(self._eyes.watch(*LAST_LOOK, None), wanted)
            self._eyes.close()
            if wanted == self._wanted:  # what is in new folders is new, too
                missed += wanted.among(folders - self.folders | back)
        self._eyes, self.folders, self._wanted = eyes, folders, wanted
        return missed

    def _look(self, wanted: WatchedFiles, stop: threading.Event) -> list[str]:
        """Wait for changes; return the files that are wanted."""
        assert self._eyes is not None  # noqa: S101 - `_open` comes first
        changes: Seen = ""
        # Without an event of theirs: what had come just before it would be lost.
        while isinstance(changes, str) and not stop.is_set():
            changes = self._eyes.watch(LONGEST, QUIET, TURN, None)
        return self._sort(changes, wanted)

    def _sort(self, changes: Seen, wanted: WatchedFiles) -> list[str]:
        """Return the files that are wanted; keep in mind the folders that have come or gone.

        By the names under which folders are known: macOS tells the real ones.
        """
        files: list[str] = []
        given = {os.path.realpath(folder): folder for folder in self.folders}
        for kind, found in changes if not isinstance(changes, str) else ():
            folder, name = os.path.split(found)
            path = os.path.join(given[folder], name) if folder in given else given.get(found, found)
            if wanted.means(path):
                files.append(path)
            if kind != WRITTEN and (path in self.folders or os.path.isdir(path)):
                self._moved.add(path)
        return files


def links_on(path: str) -> list[str]:
    """Return the links that one goes through on the way to `path`, which is absolute."""
    at, found = "/", list[str]()
    parts = path.split("/")[::-1]
    while parts and len(found) < MOST_LINKS:
        part = parts.pop()
        if part == "..":
            at = os.path.dirname(at)
        elif part not in ("", "."):
            step = os.path.join(at, part)
            try:
                target = os.readlink(step)
            except OSError:  # it is none, or not there
                at = step
                continue
            found.append(step)
            at = "/" if target.startswith("/") else at
            parts += target.split("/")[::-1]
    return found


def _existing(path: str) -> str:
    """Return the nearest folder that exists: in it the next one would come into being."""
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def _below(root: str) -> Iterator[str]:
    for folder, names, _ in os.walk(root):
        names[:] = [name for name in names if not IGNORED.fullmatch(name)]
        yield folder
