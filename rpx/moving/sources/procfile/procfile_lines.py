"""The lines of a Procfile: which are entries, and which are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rpx.moving.draft import Draft
from rpx.moving.given import origin, text_of_file
from rpx.moving.remarks import Origin

# foreman's and honcho's: whatever else a line is, they pass it over without a word.
_ENTRY = re.compile(r"([A-Za-z0-9_-]+):[ \t]*(\S.*)\Z")
_NEARLY = re.compile(r"\s+[A-Za-z0-9_-]+:\s*\S")


@dataclass(frozen=True, slots=True)
class ProcfileEntry:
    """A name, the command that a shell runs, and where it stands."""

    name: str
    command: str
    origin: Origin


def entries(path: Path, draft: Draft) -> list[ProcfileEntry]:
    """The entries of a file in their order, each name once; what is no entry is said in `draft`."""
    found: dict[str, ProcfileEntry] = {}
    for number, written in enumerate(text_of_file(path).split("\n"), 1):
        line, here = written.rstrip(), origin(path, number)
        if not line or line.lstrip().startswith("#"):
            continue
        entry = _ENTRY.match(line)
        if entry is None:
            draft.lost("", _short(line), "this line is no entry, and is not run", here, _hint(line))
        elif entry[1] in found:
            first = found[entry[1]].origin
            why = f"a second entry of this name, the first one stands in {first}"
            hint = "give one of the two another name, and import again"
            draft.lost(entry[1], f"{entry[1]}: {entry[2]}", why, here, hint)
        else:
            found[entry[1]] = ProcfileEntry(entry[1], entry[2], here)
    return list(found.values())


def is_procfile(text: str) -> bool:
    """Whether all lines that say something are entries."""
    lines = [line.rstrip() for line in text.split("\n")]
    said = [line for line in lines if line and not line.lstrip().startswith("#")]
    return bool(said) and all(_ENTRY.match(line) for line in said)


def _hint(line: str) -> str:
    if _NEARLY.match(line):
        return "an entry begins at the left: remove the blanks before it, if it is meant as one"
    return "an entry is written `name: command`"


def _short(line: str) -> str:
    text = line.strip()
    return text if len(text) <= 40 else f"{text[:39]}…"
