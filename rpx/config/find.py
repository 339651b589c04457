"""Which file is meant: the first rpx.yaml on the way up from a folder."""

from __future__ import annotations

from pathlib import Path

from rpx.errors import Exit, RpxError

NAMES = ("rpx.yaml", "rpx.yml")


def find_config(start: Path) -> Path:
    """The nearest rpx.yaml or rpx.yml in `start` or above it, absolute.

    None anywhere: RpxError with exit code 2.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        for name in NAMES:
            if _is_file(folder / name):
                return folder / name
    raise RpxError(
        f"no {NAMES[0]} in {start} or in any folder above it",
        hint="go to a folder of the project, or name the file: `-f FILE`",
        exit_code=Exit.USAGE,
    )


def file_of(folder: Path) -> Path:
    """The file of the project in `folder`, absolute; where it would stand, if there is none."""
    folder = folder.absolute()
    return next((folder / name for name in NAMES if _is_file(folder / name)), folder / NAMES[0])


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above that we may not look into holds no file of ours
        return False
