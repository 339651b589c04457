"""Files below a folder, opened so that whatever is open lies in it.

Names are checked before (rpx.http.file_path), but a symlink may lead anywhere, and what a name
means may change between a look at it and its opening. So there is no look: a file is opened first,
and the kernel is asked afterwards where that which is open now lies. A symlink that stays within
the folder is followed, however its target is written.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple

from rpx.http.file_answer import FileFacts
from rpx.http.file_path import WELL_KNOWN
from rpx.http.folder_page import SHOWN, FolderEntry
from rpx.hub.descriptors import ceiling

# Nobody waits for the other end of a FIFO, or gets a terminal by it.
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
_GETPATH = 50 if sys.platform == "darwin" else None  # F_GETPATH, which Python doesn't name
_LONGEST = 1024  # bytes that it writes: MAXPATHLEN
_SECOND = 1_000_000_000
_KINDS = frozenset((stat.S_IFREG, stat.S_IFDIR))
_MOST_KNOWN = 1024  # files


class OpenFile(NamedTuple):
    """A regular file or a folder that is open for reading: who has it closes `fd`."""

    fd: int
    status: os.stat_result
    is_folder: bool


class FactsMemory:
    """What was told of files the last time, for those that are the same now."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes], tuple[int, int, int, FileFacts]] = {}

    def find(self, key: tuple[bytes, bytes, bytes], status: os.stat_result) -> FileFacts | None:
        """Return what is known of the file with that name, coding and Cache-Control."""
        known = self._known.get(key)
        if known is None:
            return None
        changed, inode, size, facts = known
        same = changed == status.st_ctime_ns and inode == status.st_ino and size == status.st_size
        return facts if same else None

    def keep(
        self, key: tuple[bytes, bytes, bytes], status: os.stat_result, facts: FileFacts
    ) -> None:
        """Remember it, unless it says something else in a moment."""
        if facts.validators.settled:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[key] = status.st_ctime_ns, status.st_ino, status.st_size, facts


class PublicFolder:
    """A folder of which whoever asks may have the files. `facts` is for who tells of them."""

    __slots__ = ("_beginning", "_ceiling", "_inside", "facts")

    def __init__(self, path: Path) -> None:
        self._beginning = os.fsencode(path) + b"/"
        self._ceiling = ceiling()  # from there on a descriptor is not for clients
        self._inside = b"?"  # what the real path of whatever lies in it begins with
        self.facts = FactsMemory()

    def open(self, name: bytes) -> OpenFile:
        """Open what is called `name`, as from `name_of`; b"" is the folder itself.

        Raises: OSError, with EXDEV for what lies elsewhere (as openat2(2) has it), with ENXIO for
        what is neither a file nor a folder (FIFOs, sockets, devices), with EMFILE also for what is
        left for rpx itself.
        """
        fd = os.open(self._beginning + name, _FLAGS)
        try:
            status = os.fstat(fd)
            kind = stat.S_IFMT(status.st_mode)
            if fd >= self._ceiling:
                why_not = errno.EMFILE
            elif kind not in _KINDS:
                why_not = errno.ENXIO
            elif (place := _place_of(fd)).startswith(self._inside) or self._has_inside(place):
                return OpenFile(fd, status, kind == stat.S_IFDIR)
            else:
                why_not = errno.EXDEV
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        raise OSError(why_not, os.strerror(why_not))

    def has(self, name: bytes, *, folder: bool = False) -> bool:
        """Whether there is a file called `name`, or a folder, that can be opened."""
        try:
            found = self.open(name)
        except OSError:
            return False
        os.close(found.fd)
        return found.is_folder is folder

    def entries(self, name: bytes) -> tuple[list[FolderEntry], int]:
        """Return what lies in a folder and can be asked for, and how many more there are.

        It may take long. Raises: OSError.
        """
        rows: list[FolderEntry] = []
        more = 0
        found = self.open(name)
        try:
            with os.scandir(found.fd) as entries:
                for entry in entries:
                    row = self._row(name, os.fsencode(entry.name), entry)
                    if row is not None and len(rows) < SHOWN:
                        rows.append(row)
                    else:
                        more += row is not None
        finally:
            os.close(found.fd)
        return rows, more

    def _has_inside(self, place: bytes) -> bool:
        """It may be another folder by now, and where it leads may be; or be asked for itself."""
        fd = os.open(self._beginning, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._inside = _place_of(fd).rstrip(b"/") + b"/"
        finally:
            os.close(fd)
        return (place + b"/").startswith(self._inside)

    def _row(self, within: bytes, name: bytes, entry: os.DirEntry[str]) -> FolderEntry | None:
        if (name[:1] == b"." and name != WELL_KNOWN) or b"\\" in name:
            return None
        try:
            if entry.is_symlink():
                there = self.open(within + name)
                os.close(there.fd)
                status = there.status
            else:
                status = entry.stat(follow_symlinks=False)
        except OSError:  # it leads elsewhere, or has just gone
            return None
        is_folder = stat.S_ISDIR(status.st_mode)
        if not is_folder and not stat.S_ISREG(status.st_mode):
            return None
        return FolderEntry(name, is_folder, status.st_size, status.st_mtime_ns // _SECOND)


def _place_of(fd: int) -> bytes:
    """Return where an open file lies, without symlinks; behind it may stand that it is deleted."""
    if _GETPATH is not None:
        return fcntl.fcntl(fd, _GETPATH, bytes(_LONGEST)).partition(b"\0")[0]
    return os.readlink(b"/proc/self/fd/%d" % fd)
