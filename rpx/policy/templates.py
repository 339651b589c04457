"""What becomes of a path: its beginning is cut off, or another is put together from its parts.

`/v2/$1?user=$name&$query`: `$1`, `$2` … and names are groups of the pattern that means the path
(path_patterns.py), `$query` is the query of the request, `$$` is a `$`. `${1}` is written where a
digit or letter follows.
"""

from __future__ import annotations

import re
from typing import Final

from rpx.policy.expression_trees import BadPattern
from rpx.policy.path_patterns import PathPattern

_WORD = re.compile(r"%|\$(?:\$|([0-9]+)|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z0-9_]+)\}|)")
_SLASHES: Final = frozenset((b"/", b"\\"))  # to browsers
_HOST_BEGINS: Final = (b"//", b"/\\")
QUERY: Final = "query"


class Template:
    """What stands between its `names` is literal. Raises: BadPattern where a `$` stands alone."""

    __slots__ = ("_form", "_is_whole", "names")

    def __init__(self, text: str) -> None:
        names: list[str] = []

        def formed(word: re.Match[str]) -> str:
            if word[0] in {"%", "$$"}:
                return {"%": "%%", "$$": "$"}[word[0]]
            names.append(word[1] or word[2] or word[3] or "")
            return "%b"

        self._form = _WORD.sub(formed, text).encode()
        self._is_whole = "?" in text or "#" in text
        self.names = tuple(names)
        if "" in names:
            raise BadPattern("has a `$` that names nothing", "write `$$` for the character itself")

    def filled(self, target: bytes, pattern: PathPattern) -> bytes:
        """It, with the parts of a target that `pattern` means. Raises: KeyError for another name.

        The query of the target goes along, unless it has its own. If it is a path, so is this,
        whatever a group holds: with two slashes it would begin with a host.
        """
        path, _, query = target.partition(b"?")
        taken = pattern.taken(path)
        filled = self._form % tuple(
            [query if name == QUERY else taken[name] for name in self.names]
        )
        if filled.startswith(_HOST_BEGINS):
            filled = b"/" + filled.lstrip(b"/\\")
        if not self._is_whole:
            return filled + b"?" + query if query else filled
        return self._joined(filled, query)

    def _joined(self, filled: bytes, query: bytes) -> bytes:
        filled, mark, fragment = filled.partition(b"#")
        if b"?" not in filled:
            filled += b"?" + query
        elif not query and QUERY in self.names:
            filled = filled.rstrip(b"&")
        return filled.removesuffix(b"?") + mark + fragment


class PathChange:
    """What `strip_prefix` (`/api`) or `rewrite` (`/v2/$1`) of a route make of targets; "": nothing.

    Raises: BadPattern for a rewrite that is no template.
    """

    __slots__ = ("_below", "_prefix", "_template")

    def __init__(self, strip_prefix: str, rewrite: str) -> None:
        self._prefix = strip_prefix.rstrip("/").encode()
        self._below = self._prefix + b"/"
        self._template = Template(rewrite) if rewrite else None

    def __bool__(self) -> bool:
        """Whether it changes anything."""
        return bool(self._prefix) or self._template is not None

    def target(self, target: bytes, pattern: PathPattern) -> bytes:
        """The target to send on, for one (a path and perhaps a query) that `pattern` means.

        `*`, of OPTIONS, stays as it is, and a path where the prefix doesn't stand.
        """
        if self._template is not None:
            return self._template.filled(target, pattern) if target.startswith(b"/") else target
        return self._stripped(target) if self._prefix else target

    def _stripped(self, target: bytes) -> bytes:
        if target.startswith(self._below):
            rest = target[len(self._prefix) :]
            return rest if rest[1:2] not in _SLASHES else b"/" + rest.lstrip(b"/\\")
        rest = target[len(self._prefix) :]
        if target.startswith(self._prefix) and rest[:1] in {b"", b"?"}:
            return b"/" + rest
        return target
