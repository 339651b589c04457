"""Exported files on disk: whole or not at all, and never over what is there unless asked for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rpx.errors import RpxError, UsageError


def write_files(
    files: Mapping[str, str], output: str, *, force: bool, private: bool = False
) -> list[Path]:
    """Write texts, by their names, into a folder, or the only one to a file, and return where they
    are now. A path that ends with a slash is a folder. Folders that aren't there are made. What is
    `private` nobody else can read.

    Raises: UsageError if something is there that is not to be replaced, RpxError if a file can't be
    written.
    """
    place = Path(output)
    one = len(files) == 1 and not place.is_dir() and not output.endswith(os.sep)
    targets = {place if one else place / name: text for name, text in files.items()}
    if not one and place.exists() and not place.is_dir():
        raise UsageError(
            f"{output} is a file, and {len(files)} are to be written", hint="name a folder"
        )
    there = [path for path in targets if path.exists() or path.is_symlink()]
    if there and not force:
        names = ", ".join(map(str, there))
        raise UsageError(f"{names} is there already", hint="`--force` replaces it; or name another")
    folders = [path for path in targets if path.is_dir()]
    if folders:
        raise UsageError(f"{folders[0]} is a folder", hint="name another file")
    for path, text in targets.items():
        try:
            _write(path, text, 0o600 if private else 0o666 & ~_umask())
        except OSError as error:
            raise RpxError(
                f"{path} cannot be written: {error.strerror}", hint="name another place: `-o`"
            ) from None
    return list(targets)


def _write(path: Path, text: str, mode: int) -> None:
    """By way of a file beside it, which takes its place when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(beside, mode)
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
