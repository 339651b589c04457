"""How a validator says what is wrong: the end of a sentence, a quoted value, a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from pydantic_core import PydanticCustomError

T = TypeVar("T")
U = TypeVar("U")


def wrong(what: str, hint: str = "", at: int | str | None = None) -> PydanticCustomError:
    """An error for explain.py: what comes after the subject, what to do, which entry of it."""
    return PydanticCustomError("rpx", "{what}", {"what": what, "hint": hint, "at": at})


def each_of(judge: Callable[[T], U], parts: Iterable[T]) -> tuple[U, ...]:
    """What `judge` makes of each part of a value. Raises: PydanticCustomError, one for all parts
    that are wrong: explain.py says each.
    """
    found: list[U] = []
    errors: list[PydanticCustomError] = []
    for part in parts:
        try:
            found.append(judge(part))
        except PydanticCustomError as error:
            errors.append(error)
    if errors:
        first, *others = [error.context or {} for error in errors]
        raise PydanticCustomError("rpx", "{what}", {**first, "others": others})
    return tuple(found)


def shown(value: object) -> str:
    """A value as a message quotes it: short, on one line, in YAML's words."""
    match value:
        case None:
            return "`null`"
        case bool():
            return f"`{str(value).lower()}`"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case str() if not value.strip():
            return "an empty text"
        case _:
            text = " ".join(str(value).split())
            return f"`{text if len(text) <= 60 else text[:59] + '…'}`"
