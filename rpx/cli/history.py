"""What a project has printed so far: from its memory while it runs, and from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rpx.control.client import Client
from rpx.errors import UsageError
from rpx.journal.files import began, services
from rpx.journal.reader import labels_in, read
from rpx.model.status import OWN_WORDS
from rpx.policy.naming import Names, select


class Said(NamedTuple):
    """One line of output. `at` is seconds since the epoch."""

    label: str
    at: float
    text: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `since` is seconds since the epoch, None: of the last run.

    `tail` None: all there is.
    """

    names: Sequence[str]
    tail: int | None
    since: float | None


def of_running(client: Client, folder: Path, wanted: Wanted) -> list[Said]:
    """The lines of a project that runs: what its files have from before goes first."""
    labels = labels_of(client, wanted.names)
    said = said_by(client.logs(wanted.names, tail=wanted.tail, since=wanted.since or 0.0))
    first: dict[str, float] = {}
    for line in said:
        first.setdefault(line.label, line.at)
    have = Counter(line.label for line in said)
    short = {label for label in labels if wanted.tail is None or have[label] < wanted.tail}
    older = read(
        folder,
        {label.partition(":")[0] for label in short},
        labels=short,
        since=began(folder) if wanted.since is None else wanted.since,
        before=first,
        tail=wanted.tail,
    )
    lines = [Said(entry.label, entry.at, entry.text) for entry in older] + said
    return lines if wanted.tail is None else _last(lines, wanted.tail)


def labels_of(client: Client, names: Sequence[str]) -> set[str]:
    """Whose output is meant by `names`, in a project that runs."""
    return _labels([_speaker(row) for row in client.ps()], names)


def since_each(folder: Path, seen: Mapping[str, float]) -> list[Said]:
    """The lines of each label that are younger than what was seen of it."""
    entries = read(
        folder,
        {label.partition(":")[0] for label in seen},
        labels=seen.keys(),
        since=min(seen.values(), default=0.0),
    )
    said = [Said(entry.label, entry.at, entry.text) for entry in entries]
    return [line for line in said if line.at > seen[line.label]]


def of_ended(folder: Path, wanted: Wanted) -> list[Said]:
    """The lines of a project that does not run."""
    found = services(folder)
    known = set(wanted.names) <= set(found)
    labels = None
    if not known:
        speakers = _speakers(folder, [name for name in found if name != OWN_WORDS])
        labels = _labels(speakers, wanted.names)
    chosen = wanted.names if known and wanted.names else [n for n in found if n != OWN_WORDS]
    since = began(folder) if wanted.since is None else wanted.since
    entries = read(folder, chosen, labels=labels, since=since, tail=wanted.tail)
    return [Said(entry.label, entry.at, entry.text) for entry in entries]


def said_by(rows: Sequence[dict[str, Any]]) -> list[Said]:
    """The lines in rows of the control API."""
    return [
        Said(row["label"], row["at"], text)
        for row in rows
        for text in row["text"].encode("utf-8", "surrogateescape").split(b"\n")
    ]


def _labels(speakers: Sequence[Names], names: Sequence[str]) -> set[str]:
    if not names:
        return {speaker.label for speaker in speakers}
    chosen = {s.label for name in names if name != OWN_WORDS for s in select(speakers, name)}
    return chosen | ({OWN_WORDS} & set(names))


def _speaker(row: dict[str, Any]) -> Names:
    return Names(**{field: row[field] for field in Names._fields})


def _speakers(folder: Path, names: Sequence[str]) -> list[Names]:
    speakers = []
    for name in names:
        for replica, label in enumerate(labels_in(folder, name), 1):
            port = int(label.partition(":")[2]) if ":" in label else None
            backend = f"localhost:{port}" if port else None
            speakers.append(Names(label, name, replica, backend, port, external=False))
    if not speakers:
        raise UsageError("no service of this project has printed anything yet")
    return speakers


def _last(lines: Sequence[Said], tail: int) -> list[Said]:
    have: Counter[str] = Counter()
    kept = []
    for line in reversed(lines):
        have[line.label] += 1
        if have[line.label] <= tail:
            kept.append(line)
    return kept[::-1]
