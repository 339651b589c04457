"""What a project has printed so far: from its memory while it runs, and from its files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rpx.journal.files import began, services
from rpx.journal.form import JournalLine
from rpx.journal.reader import labels_in, read
from rpx.model.answers import LogLines
from rpx.model.status import OWN_WORDS
from rpx.policy.naming import Named, Names, heard
from rpx.runs.api_client import ApiClient


class Said(NamedTuple):
    """One line of output. `at` is seconds since the epoch."""

    label: str
    at: float
    text: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for. `own`: also what rpx itself says. `tail` None: all there is.

    `since` is seconds since the epoch, None: of the last run.
    """

    names: Sequence[str]
    tail: int | None
    since: float | None = None
    own: bool = False


def of_running(client: ApiClient, folder: Path, wanted: Wanted) -> list[Said]:
    """The lines of a project that runs: what its files have from before goes first."""
    said = said_by(
        client.logs(wanted.names, own=wanted.own, tail=wanted.tail, since=wanted.since or 0.0)
    )
    first: dict[str, float] = {}
    for line in said:
        first.setdefault(line.label, line.at)
    have = Counter(line.label for line in said)
    short = {
        label
        for label in labels_of(client, wanted, said)
        if wanted.tail is None or have[label] < wanted.tail
    }
    older = read(
        folder,
        services_of(short),
        labels=short,
        since=began(folder) if wanted.since is None else wanted.since,
        before=first,
        tail=wanted.tail,
    )
    lines = [_said(entry) for entry in older] + said
    return lines if wanted.tail is None else _last(lines, wanted.tail)


def labels_of(client: ApiClient, wanted: Wanted, said: Iterable[Said]) -> set[str]:
    """Whose output is meant, in a project that runs: also of those that have left and have `said`
    something.
    """
    there = client.ps()
    left = {line.label for line in said} - {row.label for row in there} - {OWN_WORDS}
    return _labels([*there, *(_named(label) for label in sorted(left))], wanted)


def since_each(folder: Path, seen: Mapping[str, float]) -> list[Said]:
    """The lines of each label that are younger than what was seen of it."""
    since = min(seen.values(), default=0.0)
    entries = read(folder, services_of(seen), labels=seen.keys(), since=since)
    return [said for said in map(_said, entries) if said.at > seen[said.label]]


def of_ended(folder: Path, wanted: Wanted) -> list[Said]:
    """The lines of a project that does not run."""
    labels, chosen = labels_of_ended(folder, wanted)
    since = began(folder) if wanted.since is None else wanted.since
    entries = read(folder, chosen, labels=labels, since=since, tail=wanted.tail)
    return [_said(entry) for entry in entries]


def labels_of_ended(folder: Path, wanted: Wanted) -> tuple[set[str] | None, set[str]]:
    """Whose output is meant, in a project that does not run, and the services that have it; None:
    all of those services.
    """
    known = [service for service in services(folder) if service != OWN_WORDS]
    if set(wanted.names) <= {*known, OWN_WORDS}:  # whole services: no need to look who is in them
        return None, set(wanted.names or known)
    labels = _labels(_speakers(folder, known), wanted)
    return labels, services_of(labels)


def services_of(labels: Iterable[str]) -> set[str]:
    """The services that these labels are of."""
    return {label.partition(":")[0] for label in labels}


def said_by(printed: Sequence[LogLines]) -> list[Said]:
    """The lines of it, one by one."""
    return [
        Said(each.label, each.at, text)
        for each in printed
        for text in each.text.encode("utf-8", "surrogateescape").split(b"\n")
    ]


def _labels(speakers: Sequence[Named], wanted: Wanted) -> set[str]:
    is_wanted = heard(speakers, wanted.names, own=wanted.own)
    return {label for label in (*(s.label for s in speakers), OWN_WORDS) if is_wanted(label)}


def _said(entry: JournalLine) -> Said:
    return Said(entry.label, entry.at, entry.text)


def _speakers(folder: Path, known: Iterable[str]) -> list[Names]:
    """Those that the files know, named like when they ran as far as their labels tell."""
    speakers = []
    for service in known:
        for replica, label in enumerate(labels_in(folder, service), 1):
            speakers.append(_named(label, replica))
    return speakers


def _named(label: str, replica: int = 0) -> Names:
    name, _, end = label.partition(":")
    port = int(end) if end.isdigit() else None
    backend = f"localhost:{end}" if end else None
    return Names(label, name, replica, backend, port, external=False, own=True)


def _last(lines: Sequence[Said], tail: int) -> list[Said]:
    have: Counter[str] = Counter()
    kept = []
    for line in reversed(lines):
        have[line.label] += 1
        if have[line.label] <= tail:
            kept.append(line)
    return kept[::-1]
