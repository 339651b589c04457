"""The lines of a project's files one by one: however much there is, little of it is in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from rpx.journal.files import newest_first
from rpx.journal.form import JournalLine, parsed, stamp

LONGEST: Final = 1 << 20  # bytes of a line that are read at once; the rest is passed over


def scan(
    folder: Path,
    services: Collection[str],
    *,
    since: float,
    before: Mapping[str, float],
    wanted: Callable[[str], bool],
    worth: Callable[[bytes], bool] = lambda _: True,
) -> Iterator[JournalLine]:
    """The lines of each service in turn, oldest first, since a time (seconds since the epoch).

    `before`: what is as young as this, of a label, is left out. `wanted` tells of labels, `worth`
    of whole lines as they stand in the file: a glance at many takes a fifth of the time.
    """
    begin = stamp(since)
    ends = {label: stamp(at) for label, at in before.items()}
    for service in services:
        seen: set[int] = set()
        for path in reversed(newest_first(folder, service)):
            for line in _lines(path, seen, since):
                if line[: len(begin)] < begin or not worth(line):
                    continue
                if (entry := parsed(line)) is None:
                    continue
                if wanted(entry.label) and not entry.stamp >= ends.get(entry.label, b"~"):
                    yield entry


def _lines(path: Path, seen: set[int], since: float) -> Iterator[bytes]:
    """Those of one file, unless it was read under its former name, or was not written since."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            if about.st_ino in seen or about.st_mtime < since - 1:
                return
            seen.add(about.st_ino)
            begins = True
            while line := file.readline(LONGEST):
                if begins:
                    yield line.removesuffix(b"\n")
                begins = line.endswith(b"\n")
    except FileNotFoundError:
        return
