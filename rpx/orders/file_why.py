"""Which file a request for files gets, for `rpx why URL`."""

from __future__ import annotations

from pathlib import Path

from rpx.http.file_path import looks_like_a_file, name_of
from rpx.model.route import StaticFiles


def look_for_file(files: StaticFiles, path: bytes, stem: bytes) -> tuple[int, str | None, str]:
    """Return the status of the answer, the file that is sent, and what is to be said about it.

    `path` is still encoded; where there is nothing by it, what comes behind `stem` is looked for.
    """
    name = name_of(path)
    if name is not None and stem and not _there(files, name).exists():
        name = name_of(path[len(stem) :] or b"/")
    if name is None:
        return 404, None, "such a path leads to no file: it is hidden, or leads out of the folder"
    if not files.folder.is_dir():
        return 404, None, f"there is no folder {files.folder}"
    there = _there(files, name)
    if there.is_file():
        return 200, str(there), ""
    index = there / files.index
    if there.is_dir() and (index.is_file() or files.listing):
        if name and not name.endswith(b"/"):
            return 301, None, "it is a folder: clients are sent to the same path with a slash"
        return 200, str(index) if index.is_file() else None, ""
    page = files.folder / files.index
    if files.spa and not looks_like_a_file(name) and page.is_file():
        return 200, str(page), "there is no such file: the index of the page is sent instead"
    return 404, None, f"there is no file {there} (404)"


def _there(files: StaticFiles, name: bytes) -> Path:
    return files.folder / name.decode("utf-8", "surrogateescape")
