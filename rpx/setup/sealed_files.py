"""Files that setup writes: known again by a line at the end, and left alone once they were changed.

That line has a digest of all others, and how many folders were made for the file. So
nothing has to be remembered elsewhere, and taking back leaves the folders that were there before.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rpx.programs import Step
from rpx.setup.system import text_of

_SEAL = re.compile(
    r"^\S+ Written by `rpx setup` \(([0-9a-f]{12}), (\d+) new folders?\).*\n", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A file that setup has written. `intact`: nobody has changed it. `folders` were made for it"""

    path: Path
    intact: bool
    folders: int


def sealed(text: str, folders: int = 0, *, begin: str = "#", end: str = "") -> str:
    """Return a text with a seal; `begin` and `end` make a comment of a line there.

    With an `end`, as in XML, the last line of the text stays the last.
    """
    digest = f"{_digest(text, folders)}, {folders} new folder{'' if folders == 1 else 's'}"
    seal = f"{begin} Written by `rpx setup` ({digest}), which takes it back, too{end}\n"
    *lines, last = text.splitlines(keepends=True)
    return "".join((*lines, seal, last) if end else (*lines, last, seal))


def sealed_file(path: Path) -> SealedFile | None:
    """Return what is known of a file there; None if setup has not written it."""
    text = text_of(path) or ""
    found = _SEAL.search(text)
    if found is None:
        return None
    folders = int(found[2])
    others = text[: found.start()] + text[found.end() :]
    return SealedFile(path, _digest(others, folders) == found[1], folders)


def writing(
    path: Path, text: str, why: str, *, root: bool = False, begin: str = "#", end: str = ""
) -> list[Step]:
    """The steps that write a sealed file. `text` ends with a line."""
    missing = [each for each in path.parents if not each.exists()]
    steps = []
    if missing:
        why_folder = "the folder that it goes to is made"
        steps.append(Step(why_folder, ("mkdir", "-p", str(path.parent)), root))
    earlier = sealed_file(path)
    folders = earlier.folders if earlier else len(missing)
    content = sealed(text, folders, begin=begin, end=end)
    return [*steps, Step(why, ("tee", str(path)), root, content)]


def removing(
    files: Sequence[SealedFile], why: str, *, root: bool = False, gone_before: Sequence[Path] = ()
) -> list[Step]:
    """The steps that remove sealed files, and the folders that were made for them and are empty.

    `gone_before`: what is gone by then besides.
    """
    if not files:
        return []
    steps = [Step(why, ("rm", "-f", *(str(each.path) for each in files)), root)]
    gone = {*gone_before, *(each.path for each in files)}
    empty: list[str] = []
    for each in files:
        for folder in each.path.parents[: each.folders]:
            if not _is_left_empty(folder, gone):
                break
            gone.add(folder)
            empty.append(str(folder))
    if empty:
        steps.append(Step("with the folders that were made for it", ("rmdir", *empty), root))
    return steps


def _is_left_empty(folder: Path, gone: set[Path]) -> bool:
    try:
        return folder not in gone and {folder / name for name in os.listdir(folder)} <= gone
    except OSError:
        return False


def _digest(text: str, folders: int) -> str:
    whole = f"{folders}\n{text}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(whole).hexdigest()[:12]
