"""Answers that fit into so many characters of JSON, whatever there is to say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, Final

from rpx.errors import visible
from rpx.model.answers import Fielded

SHORTEST: Final = 32  # characters that are left of a text that is cut
CUT: Final = "cut"  # the key that says so


def answer_of(told: Fielded) -> dict[str, Any]:
    """Return an answer as JSON has it: what has no default is always there, what is empty in the
    rest is left out. An agent pays for each character.
    """
    every = ((each, getattr(told, each.name)) for each in fields(told))
    return {
        each.name: plain(value)
        for each, value in every
        if _is_always_there(each) or (_says(value) and value != each.default)
    }


def _is_always_there(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def plain(value: object) -> Any:  # noqa: ANN401 - JSON
    """Return a value as JSON has it, without what is empty, or as it is by default.

    Of texts, what would move a cursor or is no text at all is written as `visible` does.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return visible(value)
    if is_dataclass(value) and not isinstance(value, type):
        given = ((each, getattr(value, each.name)) for each in fields(value))
        return {
            each.name: plain(mine) for each, mine in given if _says(mine) and mine != each.default
        }
    if isinstance(value, Mapping):
        return {visible(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _says(value: object) -> bool:
    """It is not empty. 0 and False say something."""
    return value is not None and value not in ("", (), []) and value != {}


def text_of(value: object) -> str:
    """Return JSON as it is sent: without spaces, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def how_many_fit(rows: Iterable[object], room: int) -> int:
    """How many of the first rows have room in so many characters; one at least."""
    count = 0
    for count, row in enumerate(rows, 1):
        room -= len(text_of(plain(row))) + 1
        if room < 0:
            return max(count - 1, 1)
    return count


def bounded(answer: dict[str, Any], most: int) -> dict[str, Any]:
    """Return `answer` with its longest texts, then its longest lists, as short as they must be for
    `most` characters. `cut` says so.
    """
    if len(text_of(answer)) <= most:
        return answer
    longest = max(map(len, _texts(answer)), default=0)

    def with_texts(length: int) -> dict[str, Any]:
        return {**_shortened(answer, length, None), CUT: True}

    def with_lists(count: int) -> dict[str, Any]:
        return {**_shortened(answer, SHORTEST, count), CUT: True}

    found = _largest(with_texts, SHORTEST, longest, most) or _largest(with_lists, 0, 1000, most)
    if found is not None:
        return found
    kept: dict[str, Any] = {CUT: True}
    for key, value in _shortened(answer, SHORTEST, 0).items():
        if len(text_of({**kept, key: value})) <= most:
            kept[key] = value
    return kept


def _largest(
    made: Callable[[int], dict[str, Any]], least: int, most: int, room: int
) -> dict[str, Any] | None:
    """What is made of the largest number that fits; None: not even the least does."""
    found = None
    while least <= most:
        middle = (least + most) // 2
        tried = made(middle)
        if len(text_of(tried)) <= room:
            found, least = tried, middle + 1
        else:
            most = middle - 1
    return found


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _shortened(value: Any, length: int, count: int | None) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return shortened(value, length)
    if isinstance(value, dict):
        return {key: _shortened(each, length, count) for key, each in value.items()}
    if isinstance(value, list):
        return [_shortened(each, length, count) for each in value[:count]]
    return value


def shortened(text: str, length: int) -> str:
    """Return the beginning of a text, and how many characters more it has."""
    if len(text) <= length:
        return text
    left = len(text) - length
    return f"{text[:length]}… ({left} more)" if left > 12 else text
