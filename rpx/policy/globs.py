"""Which paths a pattern means: `src/**/*.py`, `*.{js,ts}`, a folder with all below it, `!no/**`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import join, normpath
from typing import Final

# What tools and editors write beside sources, in any folder below the pattern's own.
IGNORED: Final = re.compile(
    r"\.git|\.hg|\.svn|\.idea|\.vscode|\.venv|\.tox|\.nox|node_modules|__pycache__|\.\w+_cache"
    r"|\.hypothesis|\.DS_Store|.*\.py[co]|.*\.sw[a-p]|.*~|\.#.*|#.*#|4913|.*___jb_(tmp|old)___"
)
_MAGIC = re.compile(r"[*?\[{]")
_SYMBOL = re.compile(r"\*+|\?|\[!?[^\]]+\]|.", re.DOTALL)
_BRACES = re.compile(r"\{([^{}]*)\}")


class Globs:
    """The patterns of one service, relative to its folder; all paths are absolute.

    `*` and `?` stay within a name and don't mean a dot at its beginning, `**` is any number of
    folders, `{a,b}` one of several; a path without any of these is a file, or a folder with all
    that it contains. With `!` in front a pattern takes out what others mean, and what is IGNORED is
    never meant by a wildcard, nor by a folder.
    """

    def __init__(self, patterns: Sequence[str], folder: str) -> None:
        self._meant = [
            Glob(each, folder)
            for pattern in patterns
            if pattern[0] != "!"
            for each in _all(pattern)
        ]
        self._not_meant = [
            Glob(each, folder)
            for pattern in patterns
            if pattern[0] == "!"
            for each in _all(pattern[1:])
        ]

    def match(self, path: str) -> bool:
        """Tell whether a change of this file is one of those that are meant."""
        meant = any(glob.match(path) for glob in self._meant)
        return meant and not any(glob.match(path) for glob in self._not_meant)

    def roots(self) -> list[tuple[str, bool]]:
        """Return where such files may be: paths, and whether also in folders below."""
        return [(glob.base, glob.deep) for glob in self._meant]


class Glob:
    """One pattern without braces. `base` is its part before any wildcard."""

    def __init__(self, pattern: str, folder: str) -> None:
        whole = normpath(join(folder, pattern))
        parts = whole.split("/")
        plain = next((i for i, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
        wild = parts[plain:]
        self.base = "/".join(parts[:plain]) or "/"
        self._whole = not wild
        self.deep = not wild or len(wild) > 1
        self._wild = re.compile("".join(_regexes(wild)), re.DOTALL)

    def match(self, path: str) -> bool:
        """Tell whether the pattern means `path`."""
        if path == self.base:
            return self._whole
        inside = path.removeprefix(self.base if self.base == "/" else f"{self.base}/")
        if inside == path and self.base != "/":
            return False
        if any(IGNORED.fullmatch(part) for part in inside.split("/")):
            return False
        return self._wild.fullmatch(inside) is not None


def _all(pattern: str) -> Iterator[str]:
    """Return the patterns that one with braces stands for."""
    braces = _BRACES.search(pattern)
    if braces is None:
        yield pattern
        return
    for choice in braces[1].split(","):
        yield from _all(pattern[: braces.start()] + choice + pattern[braces.end() :])


def _regexes(wild: Sequence[str]) -> Iterator[str]:
    if not wild:
        yield ".*"  # a folder: all that it contains
    for place, part in enumerate(wild):
        last = place == len(wild) - 1
        if part == "**":
            yield ".*" if last else r"(?:[^/]+/)*"
        else:
            yield _name(part) if last else f"{_name(part)}/"


def _name(part: str) -> str:
    """Return the expression for one name."""
    hidden = r"(?!\.)" if part[0] in "*?[" else ""
    return hidden + "".join(_symbol(symbol) for symbol in _SYMBOL.findall(part))


def _symbol(symbol: str) -> str:
    if symbol[0] == "*":
        return "[^/]*"
    if symbol == "?":
        return "[^/]"
    if len(symbol) > 1:
        chars = symbol[1:-1].replace("\\", r"\\").replace("[", r"\[")
        kind = f"[^/{chars[1:]}]" if chars[0] == "!" else f"[{chars}]"
        try:
            re.compile(kind)
        except re.error:  # a range that runs backwards: it is just a name
            return re.escape(symbol)
        return kind
    return re.escape(symbol)
