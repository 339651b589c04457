"""How a validator says what is wrong: the end of a sentence, a quoted value, a hint."""

from __future__ import annotations

from pydantic_core import PydanticCustomError


def wrong(what: str, hint: str = "", at: int | str | None = None) -> PydanticCustomError:
    """An error for explain.py: what comes after the subject, what to do, which entry of it."""
    return PydanticCustomError("rpx", "{what}", {"what": what, "hint": hint, "at": at})


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
