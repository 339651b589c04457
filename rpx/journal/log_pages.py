"""The files of a project in pages, which begin and end at the same times in all of them.

A page knows where its lines stand and how many they are. What is added to the files comes into the
last page, until that is full; what is rotated away leaves the first ones.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from rpx.journal.files import newest_first, services
from rpx.journal.form import JournalLine, parsed, stamp

PAGE: Final = 64 << 10  # bytes: some hundred lines, which are read in a millisecond
CHUNK: Final = 64 << 10
MOST: Final = 4 * CHUNK  # in which a line begins
_WIDTH: Final = len(stamp(0.0))


class _FileId(NamedTuple):
    """Tells a file from others, by whatever name: a number may be that of a removed one."""

    inode: int
    begin: bytes


@dataclass(slots=True)
class _Piece:
    """Where lines of a page stand in one file."""

    file: _FileId
    offset: int
    size: int
    lines: int


@dataclass(slots=True)
class LogPage:
    """Lines of all files between two times. `version` changes with what is in it."""

    pieces: list[_Piece] = field(default_factory=list)
    first: bytes = b""
    version: int = 0

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces)

    @property
    def lines(self) -> int:
        return sum(piece.lines for piece in self.pieces)


@dataclass(slots=True)
class _Reached:
    """How far the files of a service have been taken into pages."""

    file: _FileId | None = None
    offset: int = 0


class LogPages:
    """The pages of a folder since a time (seconds since the epoch). One thread may use them at
    once. `before`: how many have gone, so that the number of a page stays what it is.
    """

    def __init__(self, folder: Path, since: float) -> None:
        self._folder = folder
        self._since = stamp(since)
        self._readings: dict[str, _Reached] = {}
        self._files: dict[_FileId, Path] = {}
        self.pages: list[LogPage] = []
        self.before = 0
        self.latest = b""  # the time of the last line

    @property
    def end(self) -> int:
        """The number of the page that would come next."""
        return self.before + len(self.pages)

    def page(self, number: int) -> LogPage:
        """Return one of them."""
        return self.pages[number - self.before]

    def lines(self, page: LogPage) -> list[JournalLine]:
        """Return its lines, by time."""
        found = [line for piece in page.pieces for line in self._parsed(piece)]
        return sorted(found, key=lambda line: line.stamp)

    def may_have(self, page: LogPage, text: bytes) -> bool:
        """Whether a text in lower case stands in it, perhaps with colours in between."""
        data = [self._bytes(piece) for piece in page.pieces]
        return any(b"\x1b" in each or text in each.lower() for each in data)

    def _parsed(self, piece: _Piece) -> Iterator[JournalLine]:
        for line in self._bytes(piece).split(b"\n"):
            if (entry := parsed(line)) is not None:
                yield entry

    def _bytes(self, piece: _Piece) -> bytes:
        path = self._files.get(piece.file)
        try:
            return _read(path, piece.file, piece.offset, piece.size) if path is not None else b""
        except OSError:  # it has just gone: the next look knows
            return b""

    def look(self) -> None:
        """Take what has been added to the files into pages, and forget what is no longer there."""
        there = {name: list(_oldest_first(self._folder, name)) for name in services(self._folder)}
        self._files = {each.id: each.path for files in there.values() for each in files}
        self._forget()
        ahead: dict[str, _Ahead | None] = {
            name: self._ahead(name, files) for name, files in there.items()
        }
        while chunks := {name: chunk for name, chunk in ahead.items() if chunk is not None}:
            full = [chunk for chunk in chunks.values() if chunk.more]
            last = min((_last(chunk.data) for chunk in full), default=b"\xff")
            taken = {name: _until(chunk.data, last) for name, chunk in chunks.items()}
            if not any(taken.values()):  # the clock was set back
                first = next(name for name, chunk in chunks.items() if _last(chunk.data) == last)
                taken[first] = len(chunks[first].data)
            if not self.pages or self.pages[-1].size >= PAGE:  # not within a time
                self.pages.append(LogPage())
            for name, size in taken.items():
                if size:
                    self._take(name, chunks[name], size)
                    ahead[name] = chunks[name].behind(size) or self._ahead(name, there[name])

    def _take(self, service: str, chunk: _Ahead, size: int) -> None:
        """Add so many bytes, which are whole lines, to the page that is open."""
        data = chunk.data[:size]
        page = self.pages[-1]
        lines = data.count(b"\n")
        before = next((p for p in page.pieces if p.file == chunk.file), None)
        if before is not None and before.offset + before.size == chunk.offset:
            before.size += size
            before.lines += lines
        else:
            page.pieces.append(_Piece(chunk.file, chunk.offset, size, lines))
        page.first = min(filter(None, (page.first, data[:_WIDTH])))
        page.version += 1
        self.latest = max(self.latest, _last(data))
        self._readings[service] = _Reached(chunk.file, chunk.offset + size)

    def _ahead(self, service: str, files: list[_LogFile]) -> _Ahead | None:
        """What comes next of a service, as whole lines; None: nothing does."""
        reading = self._readings.setdefault(service, _Reached())
        at = next((i for i, each in enumerate(files) if each.id == reading.file), 0)
        for i, file in enumerate(files[at:], at):
            offset = reading.offset if file.id == reading.file else 0
            try:
                if not offset and reading.file is None:
                    offset = _first_since(file, self._since)
                data = _read(file.path, file.id, offset, min(CHUNK, file.size - offset))
                if b"\n" not in data and len(data) == CHUNK:
                    data = _read(file.path, file.id, offset, file.size - offset)
            except OSError:  # it has just got another name: the next look knows
                return None
            data = data[: data.rfind(b"\n") + 1]
            if data:
                more = offset + len(data) < file.size or i + 1 < len(files)
                return _Ahead(file.id, offset, data, more)
        return None

    def _forget(self) -> None:
        """Let go of pieces whose files are no longer there, and of pages without any."""
        for page in self.pages:
            left = [piece for piece in page.pieces if piece.file in self._files]
            if len(left) < len(page.pieces):
                page.pieces, page.version = left, page.version + 1
        while len(self.pages) > 1 and not self.pages[0].pieces:
            del self.pages[0]
            self.before += 1


class _LogFile(NamedTuple):
    """A file as it is at the moment."""

    id: _FileId
    path: Path
    size: int


class _Ahead(NamedTuple):
    """Whole lines of a file that are in no page yet; `more`: there are others behind them."""

    file: _FileId
    offset: int
    data: bytes
    more: bool

    def behind(self, size: int) -> _Ahead | None:
        """What is left of it behind so many bytes."""
        left = self.data[size:]
        return _Ahead(self.file, self.offset + size, left, self.more) if left else None


def _oldest_first(folder: Path, service: str) -> Iterator[_LogFile]:
    for path in reversed(newest_first(folder, service)):
        try:
            with path.open("rb") as file:
                about, begin = os.fstat(file.fileno()), file.read(_WIDTH)
        except OSError:  # it has just been rotated away
            continue
        if len(begin) == _WIDTH:
            yield _LogFile(_FileId(about.st_ino, begin), path, about.st_size)


def _read(path: Path, id_: _FileId, offset: int, size: int) -> bytes:
    """Raises: OSError, also if another file has its name now."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_ino != id_.inode:
            raise FileNotFoundError(path)
        file.seek(offset)
        return file.read(size)


def _first_since(file: _LogFile, since: bytes) -> int:
    """Where the first line of that time or later begins; the size, if there is none."""
    low, high = 0, file.size  # lines that begin before `low` are older, those from `high` on aren't
    while high - low > CHUNK:
        middle = (low + high) // 2
        data = _read(file.path, file.id, middle, min(CHUNK, high - middle))
        begin = data.find(b"\n") + 1
        if not begin or data[begin : begin + _WIDTH] >= since:
            high = middle
        else:
            low = middle + begin
    data = _read(file.path, file.id, low, min(MOST, file.size - low))
    return low + _until(data, since, including=False)


def _last(data: bytes) -> bytes:
    """The time of the last line."""
    begin = data.rfind(b"\n", 0, len(data) - 1) + 1
    return data[begin : begin + _WIDTH]


def _until(data: bytes, last: bytes, *, including: bool = True) -> int:
    """Where the lines up to a time end, by halves: they are in the order of their times."""
    low, high = 0, len(data)
    while low < high:
        middle = data.rfind(b"\n", low, (low + high) // 2) + 1 or low
        at = data[middle : middle + _WIDTH]
        if at < last or (including and at == last):
            low = data.find(b"\n", middle) + 1 or len(data)
        else:
            high = middle
    return low
