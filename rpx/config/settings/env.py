"""`env` and `env_file`: the variables of a process.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from rpx.config.settings.forms import AS_WRITTEN, FILLED, any_of, list_of, names_to
from rpx.config.settings.forms import text as text_form
from rpx.config.settings.written import Kind, Maybe, Needed, Written, listed, needed, setting
from rpx.config.wording import shown, wrong
from rpx.model.late import without_marks

_PASSED_ON = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")  # the name of a variable, and nothing else
_VARIABLE = re.compile(r"[^=\0]+")


def variable(value: object) -> object:
    """The name of an environment variable."""
    if isinstance(value, str) and not _VARIABLE.fullmatch(value):
        raise wrong(
            f"is not the name of a variable: {shown(value)}", "it cannot be empty or hold a ="
        )
    if isinstance(value, str) and value != value.strip():
        raise wrong(f"has a space around the name: {shown(value)}", f"write {value.strip()}")
    return value


def text(value: object) -> object:
    """A variable's text; None unsets it."""
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str() if "\0" in without_marks(value):
            raise wrong("holds a NUL character", "no environment can hold one; remove it")
        case dict() | list():
            raise wrong(
                f"is not text: {shown(value)}", "a variable is a text, a number, true or false"
            )
        case _:
            return value


def env(value: object) -> object:
    """Compose's list form as a mapping. `NAME` alone passes on what is there, as always."""
    if not isinstance(value, list):
        return value
    pairs: dict[str, str] = {}
    for at, item in enumerate(value):
        if not isinstance(item, str):
            hint = "write `NAME=value`, or `NAME: value` without the `- `"
            raise wrong(f"has an entry that is not `NAME=value`: {shown(item)}", hint, at)
        key, equals, rest = item.partition("=")
        if key in pairs:
            raise wrong(f"sets {shown(key)} twice", "keep one of them", at)
        if not equals and not _PASSED_ON.fullmatch(item):
            name, _, behind = item.partition(":")
            hint = f"write {name.strip()}={behind.strip()}" if behind else "write NAME=value"
            raise wrong(f"has an entry without a `=`: {shown(item)}", hint, at)
        if equals:
            pairs[key] = rest
    return pairs


Variable = Annotated[str, BeforeValidator(variable)]
Env = Annotated[
    dict[Variable, Annotated[str | None, BeforeValidator(text)]],
    BeforeValidator(env),
    Kind(
        "mapping, or list of `NAME=value` (`NAME` alone passes on rpx's own)",
        any_of(
            names_to({"type": [*AS_WRITTEN["type"], "null"]}, propertyNames={"pattern": "^[^=]+$"}),
            list_of(text_form("^[^=]+=|^[A-Za-z_][A-Za-z0-9_.-]*$")),
        ),
    ),
]


def env_file(value: object) -> object:
    """A path alone."""
    if not isinstance(value, str | dict):
        raise wrong(f"is not a path: {shown(value)}", "write a path relative to rpx.yaml")
    return {"path": value} if isinstance(value, str) else value


class EnvFileWritten(Written):
    """One of `env_file`."""

    path: Needed[Annotated[str, Field(min_length=1), Kind("path")]] = needed(
        "relative to rpx.yaml", "say which file, for example `path: .env.local`"
    )
    required: Maybe[StrictBool] = setting("`false`: the file may be missing", "`true`")


EnvFiles = Annotated[
    list[Annotated[EnvFileWritten, BeforeValidator(env_file)]],
    BeforeValidator(listed),
    Kind(
        "path, list, mapping",
        any_of(FILLED, EnvFileWritten, list_of(any_of(FILLED, EnvFileWritten))),
    ),
]
