"""What a reader is given: files of its kind, and the folder whose rpx.yaml it makes a draft of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rpx.config.variables.env_files import label_of
from rpx.errors import Exit, RpxError
from rpx.moving.draft import Draft
from rpx.moving.remarks import Origin

LARGEST = 1024 * 1024  # bytes; no file that people write is as long


@dataclass(frozen=True, slots=True)
class Given:
    """The files, absolute, in the order of the command line; where rpx.yaml will stand, absolute;
    and the environment, for variables that have to be known now. `mounted`: for files that a
    container reads, the places in it that are files or folders of this machine.
    """

    files: tuple[Path, ...]
    root: Path
    environ: Mapping[str, str]
    mounted: Mapping[str, Path] | None = None

    def below_root(self, path: Path) -> str:
        """A path as rpx.yaml writes it: `.`, `./api` or `../shared`."""
        relative = os.path.relpath(path, self.root)
        if relative == "." or relative.startswith(".."):
            return relative
        return f"./{relative}"


@dataclass(frozen=True, slots=True)
class ForeignSource:
    """One kind of files that can be moved in.

    `kind` is for messages, "a Procfile". `names` are those that its files have, the one that is
    read first in a folder before the others. `is_like` looks at a text whose file is called
    otherwise. `found` are the files of a folder that `rpx init` reads, () if there are none;
    without it, the first of `names` that is there. `together`: several files are one, as those of
    compose. `choosy`: a name is not enough, `is_like` has to agree.
    """

    kind: str
    names: tuple[str, ...]
    read: Callable[[Given], Draft]
    is_like: Callable[[str], bool] = lambda _: False
    found: Callable[[Path], tuple[Path, ...]] | None = None
    together: bool = False
    choosy: bool = False

    def files_in(self, folder: Path) -> tuple[Path, ...]:
        """Which of its files are read."""
        if self.found is not None:
            return self.found(folder)
        there = [folder / name for name in self.names if (folder / name).is_file()]
        return tuple(there[:1])


def origin(path: Path, line: int = 0) -> Origin:
    """A place in a file, as the user names it; lines count from 1."""
    return Origin(label_of(path), line)


def text_of_file(path: Path) -> str:
    """The text of a file. Raises: RpxError (exit code 2) where there is none to be had."""
    label = label_of(path)

    def refused(why: str, hint: str) -> RpxError:
        return RpxError(f"{label} {why}", hint=hint, exit_code=Exit.USAGE)

    try:
        if path.exists() and not path.is_file():
            what = "a folder" if path.is_dir() else "no regular file"
            raise refused(f"is {what}", "name a file; `rpx init` looks at a folder")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise refused("does not exist", "check the path") from None
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise refused(f"can't be read ({why})", "see who may read it: `ls -l`") from None
    if len(data) > LARGEST:
        raise refused(
            f"has more than {LARGEST // 1024} KiB", "split it, or take out what isn't needed here"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refused(f"is not UTF-8 (line {line})", "save it as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise refused(f"has a NUL character (line {line})", "it doesn't look like a text") from None
    return text.replace("\r\n", "\n")
