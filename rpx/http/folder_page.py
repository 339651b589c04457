"""What lies in a folder, as HTML, JSON or plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import partial
from typing import Final, NamedTuple

from rpx.http.dates import http_date
from rpx.http.page_parts import HTML, JSON, TEXT, clean, document, escaped, in_a_line, in_form

SHOWN: Final = 10_000  # entries; a folder may have millions
_RESERVED = re.compile(rb"[^0-9A-Za-z._~-]")
_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB")


class FolderEntry(NamedTuple):
    """A file or folder. `size` is bytes, `modified` seconds since 1970."""

    name: bytes
    is_folder: bool
    size: int
    modified: int


def folder_page(
    path: bytes, entries: Sequence[FolderEntry], more: int, accept: bytes | None
) -> tuple[bytes, str]:
    """The list in the form that `Accept` prefers, and its Content-Type.

    `path` is what the client has asked for, `more` the number of entries that are left out. JSON
    is that of nginx's `autoindex_format json`. Folders stand first, each by name.
    """
    entries = sorted(entries, key=lambda each: (not each.is_folder, each.name))
    return in_form(
        accept,
        {
            HTML: partial(_as_html, path, entries, more),
            JSON: partial(_as_json, entries, more),
            TEXT: partial(_as_text, entries, more),
        },
    )


def _as_html(path: bytes, entries: Sequence[FolderEntry], more: int) -> str:
    title = escaped(_shown(path))
    rows = [_row("../", "../", "")] if path.strip(b"/") else []
    for each in entries:
        slash = "/" if each.is_folder else ""
        url = "./" + _RESERVED.sub(_encoded, each.name).decode() + slash
        size = "" if each.is_folder else f"{_size(each.size)}, "
        rows.append(_row(url, _shown(each.name) + slash, size + http_date(each.modified).decode()))
    parts = [f"<h1>{title}</h1>", '<ul class="names">', *rows, "</ul>"]
    if more:
        parts.append(f"<p>{more:,} more are not shown.</p>")
    elif not entries:
        parts.append("<p>It is empty.</p>")
    return document(title, parts, "Listed by rpx.")


def _row(url: str, text: str, facts: str) -> str:
    beside = f'<span class="place">{facts}</span>' if facts else ""
    return f'<li><a href="{url}">{escaped(text)}</a>{beside}</li>'


def _as_json(entries: Sequence[FolderEntry], more: int) -> str:
    found = []
    for each in entries:
        kind = "directory" if each.is_folder else "file"
        row = {"name": _shown(each.name), "type": kind, "mtime": http_date(each.modified).decode()}
        found.append(row if each.is_folder else {**row, "size": each.size})
    if more:
        found.append({"type": "more", "size": more})
    return json.dumps(found, indent=1) + "\n"


def _as_text(entries: Sequence[FolderEntry], more: int) -> str:
    lines = [in_a_line(_shown(each.name)) + "/" * each.is_folder for each in entries]
    return "".join(f"{line}\n" for line in [*lines, *([f"({more} more)"] if more else [])])


def _shown(name: bytes) -> str:
    return clean(name.decode("utf-8", "replace"))


def _encoded(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % ord(match[0])


def _size(size: float) -> str:
    units = iter(_UNITS)
    unit = next(units)
    while size >= 1000 and (larger := next(units, "")):
        size, unit = size / 1000, larger
    return f"{size:.0f} {unit}" if unit == "bytes" or size >= 10 else f"{size:.1f} {unit}"
