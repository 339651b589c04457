"""The files of the page, as they are sent: read once, and packed."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "page"
KINDS: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file: its bytes, the same packed by gzip, its media type, and a mark of what is in it."""

    data: bytes
    packed: bytes
    kind: str
    etag: str


def page_files(folder: Path = FOLDER) -> dict[str, PageFile]:
    """Return all of them, by their path below the folder."""
    return {
        path.relative_to(folder).as_posix(): _read(path)
        for path in sorted(folder.rglob("*"))
        if path.suffix in KINDS
    }


def _read(path: Path) -> PageFile:
    data = path.read_bytes()
    etag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    return PageFile(data, gzip.compress(data, mtime=0), KINDS[path.suffix], etag)
