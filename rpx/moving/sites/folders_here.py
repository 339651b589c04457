"""Folders that a web server sends files of: where they are on this machine."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from rpx.moving.given import Given

_BUILT = ("dist", "build", "out", "public", "html", "www", "static", "htdocs", "_site")


def folder_here(written: str, beside: Path, given: Given) -> tuple[str, bool] | None:
    """The folder as rpx.yaml names it, and whether that is a guess; None where there is none.

    A file that was made for a container says `/srv/dist`: a `dist` beside it is likely meant.
    """
    in_container = given.mounted is not None and written.startswith("/")
    path = _mounted(written, given) if in_container else beside / written
    if path is not None and path.is_dir():
        return given.below_root(path.resolve()), False
    parts = PurePosixPath(written).parts
    for root in (given.root, beside):
        for begin in range(1, len(parts)):
            there = root.joinpath(*parts[begin:])
            if there.is_dir():
                return given.below_root(there.resolve()), True
    if len(parts) > 1 and parts[-1] in _BUILT:
        for name in _BUILT:
            if (given.root / name).is_dir():
                return given.below_root(given.root / name), True
    return None


def _mounted(written: str, given: Given) -> Path | None:
    """Where a folder of a container is on this machine, if it was mounted."""
    mounted = given.mounted or {}
    for place in sorted(mounted, key=len, reverse=True):
        if f"{written}/".startswith(f"{place.rstrip('/')}/"):
            return mounted[place] / written[len(place) :].lstrip("/")
    return None
