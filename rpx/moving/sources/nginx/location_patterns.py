"""nginx's locations and expressions as patterns of paths, for the whole path each."""

from __future__ import annotations

import re
from urllib.parse import quote

from rpx.policy.expression_trees import BadPattern
from rpx.policy.path_patterns import read_pattern

_AS_THEY_ARE = "".join(map(chr, range(33, 127)))  # what a path can have, and `%`
_PLAIN = re.compile(r"/[A-Za-z0-9._~/@+,%=-]*\Z")
_SPECIAL = re.compile(r"([.^$*+?()\[\]{}|\\])")
_WHOLE_SEGMENT = re.compile(r"[A-Za-z0-9~]\Z")


def of_prefix(prefix: str) -> tuple[str, ...]:
    """Paths that begin so: () is all of them."""
    if prefix == "/":
        return ()
    prefix = as_sent(prefix)
    if not _PLAIN.match(prefix):
        return (f"~{quoted(prefix)}.*",)
    if prefix.endswith("/"):
        return (f"{prefix}*",)
    if _WHOLE_SEGMENT.search(prefix):
        return (f"{prefix}/*",)
    return (f"~{quoted(prefix)}.*",)


def of_path(path: str) -> tuple[str, ...]:
    """Exactly this path."""
    path = as_sent(path)
    return (path,) if _PLAIN.match(path) else (f"~{quoted(path)}",)


def as_sent(path: str) -> str:
    """A path as browsers send it: nginx compares what that means, rpx what it is."""
    return quote(path, safe=_AS_THEY_ARE)


def quoted(text: str) -> str:
    """A text as an expression."""
    return _SPECIAL.sub(r"\\\1", text)


def of_expression(expression: str, *, any_case: bool = False, below: str = "") -> str:
    """An expression that is looked for anywhere, as one that is for the whole path.

    `below`: and the path has this prefix. Raises: BadPattern where rpx has no such expression.
    """
    branches = _branches(expression)
    parts = [_anchored(branch, below) for branch in branches]
    whole = parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
    pattern = f"~{'(?i)' if any_case else ''}{whole}"
    read_pattern(pattern)
    return pattern


def _anchored(branch: str, below: str) -> str:
    """One branch, from the beginning to the end of a path."""
    if branch.startswith("^"):
        begun = branch[1:]
    elif below:
        begun = f"{quoted(below)}.*{branch}"
    else:
        begun = f".*{branch}" if branch.startswith("/") else f"/.*{branch}"
    if begun.endswith("$") and not begun.endswith(r"\$"):
        return begun[:-1]
    return begun if begun.endswith(".*") else f"{begun}.*"


def _branches(expression: str) -> list[str]:
    """What stands between the `|`s that are in no group."""
    found, depth, klass, begun, escaped = [], 0, False, 0, False
    for at, character in enumerate(expression):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif klass:
            klass = character != "]"
        elif character == "[":
            klass = True
        elif character in "()":
            depth += 1 if character == "(" else -1
        elif character == "|" and depth == 0:
            found.append(expression[begun:at])
            begun = at + 1
    return [*found, expression[begun:]]


__all__ = ["BadPattern", "as_sent", "of_expression", "of_path", "of_prefix", "quoted"]
