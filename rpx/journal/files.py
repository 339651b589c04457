"""The files of one project: appended to, rotated by size, private. Blocks: call it in a thread."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rpx.folders import make_folder
from rpx.model.own_settings import Logs

RUN: Final = "run.json"


class Files:
    """`<service>.log` and its predecessors `<service>.log.1` to `.<keep>`, the oldest last.

    A file is opened for each batch: there are few, and a file or folder that somebody removes
    meanwhile is there again with the next one.
    """

    def __init__(self, folder: Path, settings: Logs) -> None:
        self.folder = folder
        self._settings = settings
        self._torn: set[str] = set()  # files that end within a line

    def begin(self, name: str, config: Path, now: float) -> None:
        """Write down whose files these are, and since when (epoch) this run adds to them.

        Raises: OSError.
        """
        self._make_folder()
        text = json.dumps({"name": name, "config": str(config), "began": now})
        fd = _open(self.folder / RUN, os.O_TRUNC)
        with open(fd, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")

    def append(self, service: str, chunks: Sequence[bytes]) -> None:
        """Add whole lines to the file of a service. Raises: OSError; what came before is kept."""
        waiting: list[bytes] = []
        path = self.folder / f"{service}.log"
        size = self._size(path)
        for chunk in chunks:
            if size and size + len(chunk) > self._settings.max_size:
                self._write(path, waiting)
                waiting = []
                self._rotate(path)
                size = 0
            waiting.append(chunk)
            size += len(chunk)
        self._write(path, waiting)

    def _write(self, path: Path, chunks: Sequence[bytes]) -> None:
        if not chunks:
            return
        fd = self._open_or_make(path)
        try:
            view = memoryview(b"\n" * (path.name in self._torn) + b"".join(chunks))
            while view:
                done = os.write(fd, view)
                view = view[done:]
                self._torn.add(path.name)
            self._torn.discard(path.name)
        finally:
            os.close(fd)

    def _open_or_make(self, path: Path) -> int:
        try:
            return _open(path, os.O_APPEND)
        except FileNotFoundError:
            self._make_folder()
            return _open(path, os.O_APPEND)

    def _make_folder(self) -> None:
        for folder in (self.folder.parent, self.folder):
            make_folder(folder)
            folder.chmod(0o700)

    def _rotate(self, path: Path) -> None:
        for number in range(self._settings.keep, 0, -1):
            younger = path if number == 1 else _numbered(path, number - 1)
            try:
                younger.replace(_numbered(path, number))
            except FileNotFoundError:
                pass
        if not self._settings.keep:
            path.unlink(missing_ok=True)
        self._torn.discard(path.name)

    def _size(self, path: Path) -> int:
        try:
            return path.stat().st_size
        except FileNotFoundError:
            return 0


def newest_first(folder: Path, service: str) -> list[Path]:
    """The files there are of a service."""
    path = folder / f"{service}.log"
    found, number = [path] if path.exists() else [], 1
    while (older := _numbered(path, number)).exists():
        found.append(older)
        number += 1
    return found


def services(folder: Path) -> list[str]:
    """Who has a file, in the order of names."""
    return sorted(path.name.removesuffix(".log") for path in folder.glob("*.log"))


def began(folder: Path) -> float:
    """When the last run began, in seconds since the epoch; 0 if that isn't written anywhere."""
    try:
        return float(json.loads((folder / RUN).read_bytes())["began"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _open(path: Path, how: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | how
    return os.open(path, flags, 0o600)
