"""Which file is meant: the first rpx.yaml on the way up from a folder."""

from __future__ import annotations

import os
import pwd
import shlex
import stat
from collections.abc import Sequence
from pathlib import Path

from rpx.errors import Exit, RpxError
from rpx.folders import absolute, here
from rpx.model.file_names import OF_FRAMEWORKS, OF_OTHERS, PROJECT_FILES


def find_config(start: Path | None = None) -> Path:
    """The nearest rpx.yaml or rpx.yml in `start`, the working directory, or above it; absolute.

    Raises: RpxError (exit code 2) when there is none, or when somebody else could have put the one
    above there.
    """
    start = absolute(start) if start else here()
    for folder in (start, *start.parents):
        for name in PROJECT_FILES:
            if os.path.isfile(folder / name):
                if folder != start:
                    _check_owner(folder / name)
                return folder / name
    what, hint = f"no {PROJECT_FILES[0]} in {start} or in any folder above it", _first_step(start)
    if os.path.isdir(start / PROJECT_FILES[0]):
        what, hint = (
            f"{start / PROJECT_FILES[0]} is a folder, not a file",
            "name the file: `-f FILE`",
        )
    raise RpxError(what, hint=hint, exit_code=Exit.USAGE)


def _first_step(folder: Path) -> str:
    """What to do without a file, in the light of what others have left in the folder."""
    without = "`rpx --from 3000 --to api.localhost` needs no file"
    for place in _of_the_same_checkout(folder):
        if found := [name for name in OF_OTHERS if os.path.isfile(place / name)]:
            there = "" if place == folder else " there"
            of_it = f"writes an rpx.yaml of {'them' if len(found) > 1 else 'it'}"
            return f"{_here(found, place, folder)}: `rpx init`{there} {of_it}; {without}"
    if found := [name for name in OF_FRAMEWORKS if os.path.isfile(folder / name)]:
        return f"{_here(found, folder, folder)}: `rpx init` writes an rpx.yaml for that; {without}"
    return (
        "go to a folder of the project, or name its file: `-f FILE`; `rpx init` writes one to begin"
        f" with, and {without}"
    )


def _here(found: Sequence[str], place: Path, folder: Path) -> str:
    where = "here" if place == folder else f"in {place}"
    return f"{' and '.join(found[:2])} {'are' if len(found) > 1 else 'is'} {where}"


def _of_the_same_checkout(folder: Path) -> Sequence[Path]:
    """A folder, and those above it as far as they are in the same repository."""
    chain = (folder, *folder.parents)
    top = next((n for n, each in enumerate(chain) if os.path.exists(each / ".git")), 0)
    return chain[: top + 1]


def file_of(folder: Path) -> Path:
    """The file of the project in `folder`, absolute; where it would stand, if there is none."""
    folder = folder.absolute()
    return next(
        (folder / name for name in PROJECT_FILES if os.path.isfile(folder / name)),
        folder / PROJECT_FILES[0],
    )


def trusted() -> set[int]:
    """Whose files run as we do: ours and root's; also of the one who has called sudo."""
    behind = os.environ.get("SUDO_UID", "")
    known = {0, os.getuid()}
    return known | {int(behind)} if os.getuid() == 0 and behind.isdigit() else known


def owner(uid: int) -> str:
    """A user's name, or the number of one without a name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _check_owner(path: Path) -> None:
    """Nobody has asked for a file that was found further up: it runs what its writer wants."""
    folder = path.parent.stat()
    looked_at: dict[str, tuple[int, ...]] = {"": (path.stat().st_uid, path.lstat().st_uid)}
    if folder.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        looked_at["the folder of "] = (folder.st_uid,)
    for what, users in looked_at.items():
        for stranger in set(users) - trusted():
            named = shlex.quote(str(path))
            raise RpxError(
                f"{what}{path}, found by looking further up, belongs to {owner(stranger)}",
                hint=f"what is in it would run as you; if you mean that: `-f {named}`",
                exit_code=Exit.USAGE,
            )
