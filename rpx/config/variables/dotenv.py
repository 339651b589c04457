"""The `.env` beside rpx.yaml: `KEY=value` lines for interpolation and for the children.

`export KEY=value` is the same. 'Single quotes' are literal; "double quotes" know the escapes
\\n \\r \\t \\" \\\\ \\$; both may span lines; elsewhere ` #` starts a comment. Earlier keys and the
environment (which wins) can be used in values that are not in single quotes.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from rpx.config.variables.interpolate import Uninterpolable, interpolate
from rpx.config.yaml.excerpt import Spot, excerpt
from rpx.errors import Problem

_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)[ \t]*=[ \t]*")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_COMMENT = re.compile(r"[ \t]#")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$$", "\n": ""}


@dataclass(frozen=True, slots=True)
class _Bad:
    begin: int
    end: int
    what: str
    hint: str


def parse_dotenv(
    text: str,
    environ: Mapping[str, str],
    *,
    label: str = ".env",
    unset: Callable[[str], None] | None = None,
) -> tuple[dict[str, str], list[Problem]]:
    """The keys of a `.env` and what is wrong with it, line by line. `label` names the file."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    values: dict[str, str] = {}
    problems: list[Problem] = []
    variables = ChainMap(dict(environ), values)
    for item in _entries(text):
        if isinstance(item, _Bad):
            problems.append(_problem(text, label, item))
            continue
        key, value, literal, begin, end = item
        try:
            values[key] = value if literal else interpolate(value, variables, unset)
        except Uninterpolable as error:
            problems.append(_problem(text, label, _Bad(begin, end, str(error), error.hint)))
    return values, problems


def _entries(text: str) -> Iterator[tuple[str, str, bool, int, int] | _Bad]:
    """Key, value, whether it is literal, where the value stands; or what is wrong with a line."""
    at = 0
    while at < len(text):
        if blank := _BLANK.match(text, at):
            at = blank.end()
            continue
        key = _KEY.match(text, at)
        if key is None:
            line = _line(text, at)
            yield _Bad(
                at, line, "this line is not `KEY=value`", "a key is made of letters, digits and _"
            )
            at = line + 1
            continue
        begin = key.end()
        value, literal, end = _value(text, begin)
        rest = _BLANK.match(text, end) if end >= 0 else None
        if rest is not None and "\0" not in value:
            yield key[1], value, literal, begin, end
            at = rest.end()
            continue
        line = _line(text, begin)
        yield _Bad(begin, line, *_complaint(key[1], value, end))
        at = (_line(text, end) if end >= 0 else line) + 1


def _complaint(key: str, value: str, end: int) -> tuple[str, str]:
    if end < 0:
        return f"the quote of `{key}` is never closed", 'close it, or write the quote as \\" in "…"'
    if "\0" in value:
        return f"`{key}` holds a NUL character", "no environment can hold one; remove it"
    return f"there is text after the closing quote of `{key}`", "put the whole value in quotes"


def _value(text: str, at: int) -> tuple[str, bool, int]:
    """The value that begins at `at`, whether it is literal, its end (-1: a quote stays open)."""
    quote = text[at : at + 1]
    if quote == "'":
        single = _SINGLE.match(text, at)
        return (single[1], True, single.end()) if single else ("", True, -1)
    if quote == '"':
        double = _DOUBLE.match(text, at)
        if double is None:
            return "", False, -1
        return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[0]), double[1]), False, double.end()
    line = text[at : _line(text, at)]
    comment = _COMMENT.search(line)
    if line.startswith("#") and text[at - 1] in " \t":
        line = ""
    bare = (line[: comment.start()] if comment else line).rstrip(" \t")
    return bare, False, at + len(bare)


def _line(text: str, at: int) -> int:
    """Where the line ends that `at` stands in."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _problem(text: str, label: str, bad: _Bad) -> Problem:
    line = text.count("\n", 0, bad.begin)
    column = bad.begin - (text.rfind("\n", 0, bad.begin) + 1)
    width = max(1, min(bad.end, _line(text, bad.begin)) - bad.begin)
    spot = Spot(line, column, line, column + width)
    return Problem(
        bad.what,
        f"{label}:{line + 1}:{column + 1}",
        excerpt(text.split("\n"), spot),
        bad.hint,
    )
