"""What the files of a project hold, oldest first."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from rpx.journal.files import newest_first
from rpx.journal.form import JournalLine, parsed, stamp


def read(
    folder: Path,
    services: Collection[str],
    *,
    labels: Collection[str] | None = None,
    since: float = 0.0,
    before: Mapping[str, float] | None = None,
    tail: int | None = None,
) -> list[JournalLine]:
    """The lines of some services since a time (seconds since the epoch), merged by time.

    `labels`: only theirs. `before`: what came later than this, of a label, is left out. `tail`: the
    last so many of each label. A file is read whole, and an older one only if it may hold more.
    """
    ends = {label: stamp(at) for label, at in (before or {}).items()}

    def fits(entry: JournalLine) -> bool:
        known = labels is None or entry.label in labels
        return known and (entry.label not in ends or entry.stamp < ends[entry.label])

    found: list[JournalLine] = []
    for service in services:
        found += _of(folder, service, fits, stamp(since), tail)
    return sorted(found, key=lambda entry: entry.stamp)


def labels_in(folder: Path, service: str) -> list[str]:
    """Who has printed into the files of a service, in the order of names."""
    return sorted(
        {entry.label for path in newest_first(folder, service) for entry in _entries(path, set())}
    )


def _of(
    folder: Path, service: str, fits: Callable[[JournalLine], bool], since: bytes, tail: int | None
) -> list[JournalLine]:
    files: list[list[JournalLine]] = []
    have: Counter[str] = Counter()
    seen: set[int] = set()
    for path in newest_first(folder, service):
        entries = list(_entries(path, seen))
        files.append([entry for entry in entries if entry.stamp >= since and fits(entry)])
        have.update(entry.label for entry in files[-1])
        if entries and entries[0].stamp < since:
            break
        if tail is not None and have and min(have.values()) >= tail:
            break
    lines = [entry for file in reversed(files) for entry in file]
    return lines if tail is None else _last(lines, tail)


def _last(lines: list[JournalLine], tail: int) -> list[JournalLine]:
    kept: list[JournalLine] = []
    have: Counter[str] = Counter()
    for entry in reversed(lines):
        have[entry.label] += 1
        if have[entry.label] <= tail:
            kept.append(entry)
    return kept[::-1]


def _entries(path: Path, seen: set[int]) -> Iterator[JournalLine]:
    """The lines of one file, unless it was seen under its former name: rotation goes on."""
    try:
        with path.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            if inode in seen:
                return
            seen.add(inode)
            content = file.read()
    except FileNotFoundError:
        return
    for line in content.split(b"\n"):
        if entry := parsed(line):
            yield entry
