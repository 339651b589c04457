"""From the path of a request to the name of a file below a folder.

Decoded once, and judged behind that: whatever a path was written like, no name that leads out of
the folder, or that its owner would call hidden, comes out of here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

WELL_KNOWN: Final = b".well-known"  # RFC 8615: meant to be seen
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_NEVER = re.compile(rb"[/\\\x00]")  # within one name
_SHORT: Final = 256


def name_of(path: bytes) -> bytes | None:
    """The name below a folder that a path (RFC 3986 §3.3, still percent-encoded) asks for.

    b"" for `/`, `docs/a.html` for `/docs/a.html`; what asks for a folder ends with `/`. Empty
    segments don't count, as with the file system. None: there is no such file, whatever there is:
    a segment is `.`, `..` or begins with a dot (but `.well-known`), or has a slash, a backslash or
    a NUL in it.
    """
    return _short_name(path) if len(path) < _SHORT else _name(path)


def _name(path: bytes) -> bytes | None:
    if path[:1] != b"/":
        return None
    names = []
    for segment in path.split(b"/"):
        # What is no escape stands for itself, as in browsers (WHATWG URL, "percent-decode").
        name = _ESCAPE.sub(_decoded, segment) if b"%" in segment else segment
        if name[:1] == b"." and name != WELL_KNOWN:
            return None
        if name:
            if _NEVER.search(name):
                return None
            names.append(name)
    if names and path[-1:] == b"/":
        names.append(b"")
    return b"/".join(names)


_short_name = lru_cache(maxsize=1024)(_name)


def _decoded(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def looks_like_a_file(name: bytes) -> bool:
    """Whether the last segment of a name has a suffix: a page of an application has none."""
    return b"." in name[name.rfind(b"/") + 1 :]


def with_slash(target: bytes) -> bytes:
    """The target of a request (path and query) with a slash at the end of its path.

    For a Location: never one that leads to another host, as `//evil.example/` would.
    """
    path, mark, query = target.partition(b"?")
    return b"/" + path.lstrip(b"/\\") + b"/" + mark + query
