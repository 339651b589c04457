"""Values as YAML that people read: in their order, with comments, quotes only where they matter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_WIDEST: Final = 88  # characters of a list on one line
_DURATION = r"[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|Mi|Gi|[kmg]b?)\Z"
_PLAIN = re.compile(
    rf"(?:-*[A-Za-z/_.$~]|{_DURATION})[\w./@$+=~%*()<>;|-]*(?:[ :]+[\w./@$+=~%*()<>;|&!-]+)*",
    re.ASCII,
)
_IN_A_LIST = re.compile(r"[\[\]{},]")
_UNSEEN = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_KEY = re.compile(r"[A-Za-z_/.][\w./-]*", re.ASCII)
# What YAML 1.1 or 1.2 takes for something else than a text.
_WORDS: Final = {"y", "n", "yes", "no", "on", "off", "true", "false", "null", "~"}
_NUMBER = re.compile(r"[.~][0-9]*|\.(?:inf|nan)|[.][0-9][0-9.e+-]*", re.IGNORECASE)
_LITERAL = re.compile(
    r"(?=\S)(?![\s\S]*\n\n\Z)(?:[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff\r])*"
)


@dataclass(frozen=True, slots=True)
class Noted:
    """A value with a comment behind it."""

    value: object
    comment: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """A mapping that others take over by its name."""

    name: str
    value: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Alias:
    """What an anchor stands for."""

    name: str


def block_yaml(value: Mapping[str, object], *, apart: int = 1) -> str:
    """The text of a mapping. Entries of its first `apart` levels have an empty line between."""
    return "\n".join(_mapping(value, 0, apart)) + "\n"


def _mapping(value: Mapping[str, object], indent: int, apart: int) -> Iterator[str]:
    for index, (key, item) in enumerate(value.items()):
        if index and apart > 0 and (isinstance(item, Mapping) or apart > 1):
            yield ""
        name = key if isinstance(item, Alias) else _key(key)
        yield from _entry(f"{' ' * indent}{name}:", item, indent, apart - 1)


def _entry(head: str, item: object, indent: int, apart: int) -> Iterator[str]:
    """What stands behind a key, or behind the dash of a list."""
    comment = ""
    if isinstance(item, Noted):
        comment, item = f"  # {item.comment}", item.value
    if isinstance(item, Anchored):
        head, item = f"{head} &{item.name}", item.value
    if isinstance(item, Mapping) and item:
        yield head + comment
        yield from _mapping(item, indent + 2, apart)
    elif isinstance(item, list | tuple) and item:
        yield from _sequence(head, item, indent, comment)
    elif isinstance(item, str) and "\n" in item and _LITERAL.fullmatch(item):
        yield f"{head} |{_chomped(item)}{comment}"
        for line in item.removesuffix("\n").split("\n"):
            yield f"{' ' * (indent + 2)}{line}" if line else ""
    else:
        yield f"{head} {_scalar(item)}".rstrip() + comment


def _sequence(head: str, items: Sequence[object], indent: int, comment: str) -> Iterator[str]:
    line = _flow(items)
    if line is not None:
        yield f"{head} {line}{comment}"
        return
    yield head + comment
    for each in items:
        yield from _listed(each, indent + 2)


def _chomped(text: str) -> str:
    """How a literal block says whether the line break at its end is its own."""
    return "" if text.endswith("\n") else "-"


def _listed(item: object, indent: int) -> Iterator[str]:
    dash = f"{' ' * indent}- "
    if isinstance(item, Mapping) and item:
        first, *others = _mapping(item, indent + 2, 0)
        yield dash + first.lstrip(" ")
        yield from others
    else:
        yield from _entry(dash.rstrip(), item, indent, 0)


def _flow(items: Sequence[object]) -> str | None:
    """A short list of plain values on one line; None for any other."""
    if any(isinstance(each, Mapping | list | tuple | Noted) for each in items):
        return None
    if any(isinstance(each, str) and "\n" in each for each in items):
        return None
    texts = [
        _quoted(each)
        if isinstance(each, str) and _IN_A_LIST.search(each)
        else _scalar(each) or "null"
        for each in items
    ]
    line = f"[{', '.join(texts)}]"
    return line if len(line) <= _WIDEST else None


def _key(key: str) -> str:
    return key if _KEY.fullmatch(key) and not _ambiguous(key) else _quoted(key)


def _scalar(value: object) -> str:
    match value:
        case None:
            return ""
        case Alias():
            return f"*{value.name}"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Mapping():
            return "{}"
        case list() | tuple():
            return "[]"
        case _:
            text = str(value)
            plain = _PLAIN.fullmatch(text) and ": " not in text and not _ambiguous(text)
            return text if plain and not text.endswith(":") else _quoted(text)


def _ambiguous(text: str) -> bool:
    return text.lower() in _WORDS or _NUMBER.fullmatch(text) is not None


def _quoted(text: str) -> str:
    """In double quotes, with escapes for what can't be seen."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNSEEN.sub(lambda found: f"\\U{ord(found[0]):08x}", quoted)
