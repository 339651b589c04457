"""Field lines that a user wants otherwise: removed, replaced, added.

All rules for a request are one pattern, of what goes, and one text, of what comes: a later rule
takes away what an earlier one has brought, and that is known when they are compiled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rpx.http.variables import RequestVariables, ValueTemplate, template
from rpx.model.untouchable import UNTOUCHABLE

if TYPE_CHECKING:  # pydantic takes as long to load as all the rest of a command
    from rpx.model.route import FieldRules

_A_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 §5.6.2
# However a rule is written, framing and what is meant for one hop are not its affair.
_GUARD = rb"(?!(?:%b):)" % b"|".join(sorted(re.escape(name.encode()) for name in UNTOUCHABLE))


class FieldEdits:
    """What rules do to the field lines of one direction. Without rules it is false, and does
    nothing.
    """

    __slots__ = ("_added", "_constant", "_removed", "dates")

    def __init__(
        self, rules: Iterable[FieldRules], project: Mapping[str, str], *, asked: bool
    ) -> None:
        """`rules` are applied in their order. `project` are variables that are the same for all
        requests. `asked`: they are for requests. There `-` and `_` are the same in a name, for they
        are to applications behind CGI or WSGI: what a rule says nobody can say beside it.

        Raises: ValueError for a name that is none, or one of `UNTOUCHABLE`.
        """
        gone: dict[str, None] = {}
        lines: list[tuple[str, str, str]] = []  # name in lower case, name, value
        for each in rules:
            for name in (*each.remove, *(name.lower() for name, _ in each.set)):
                gone[name] = None
                lines = [line for line in lines if not _covers(name, line[0])]
            put = {name.lower(): (name, value) for name, value in each.set}
            lines += [(low, *said) for low, said in put.items()]
            lines += [(name.lower(), name, value) for name, value in each.add]
        for name in (*gone, *(line[1] for line in lines)):
            _check(name)
        self._removed = re.compile(_pattern(gone, asked=asked)) if gone else None
        self._added = ValueTemplate(b"", ())
        for _, name, value in lines:
            beginning = b"\r\n%b: " % name.encode().replace(b"%", b"%%")
            self._added += ValueTemplate(beginning, ()) + template(value, project)
        self._constant = self._added.constant
        # Whether it says if there is a Date.
        self.dates = any(_covers(each, "date") for each in (*gone, *(line[0] for line in lines)))

    def __bool__(self) -> bool:
        return self._removed is not None or self._constant != b""

    def edited(self, block: bytes, variables: RequestVariables) -> bytes:
        """Return the field lines, each with the CRLF *before* it, as the rules want them."""
        if self._removed is not None:
            block = self._removed.sub(b"", block)
        added = self._constant
        return block + (self._added.filled(variables) if added is None else added)

    def edited_head(self, head: bytes, variables: RequestVariables) -> bytes:
        """Return a whole head, from its first line to the empty one, with other field lines.

        So rules see what the backend would see: also X-Forwarded-For can be replaced.
        """
        end = head.index(b"\r\n")
        return b"%b%b\r\n\r\n" % (head[:end], self.edited(head[end:-4], variables))

    def edited_lines(self, lines: bytes, variables: RequestVariables) -> bytes:
        """Return field lines that have their CRLF *behind* them, as those of our own answers."""
        return behind(self.edited(before(lines), variables))


def before(lines: bytes) -> bytes:
    """Return field lines with the CRLF before each that have it behind each."""
    return b"\r\n" + lines[:-2] if lines else b""


def behind(block: bytes) -> bytes:
    """Return field lines with the CRLF behind each that have it before each."""
    return block[2:] + b"\r\n" if block else b""


def _check(name: str) -> None:
    if not _A_NAME.fullmatch(name) or name.lower() in UNTOUCHABLE:
        raise ValueError(f"no rule can be about {name!r}")


def _covers(removed: str, name: str) -> bool:
    """Whether lines of this name go; both in lower case."""
    return name.startswith(removed[:-1]) if removed.endswith("*") else name == removed


def _pattern(names: Iterable[str], *, asked: bool) -> bytes:
    alternatives = []
    for name in names:
        literal = re.escape(name.removesuffix("*").encode())
        if asked:
            literal = re.sub(rb"\\-|_", b"[-_]", literal)
        alternatives.append(_GUARD + literal + rb"[^:\r]*+" if name.endswith("*") else literal)
    return rb"\r\n(?i:%b):[^\r]*+" % b"|".join(alternatives)
