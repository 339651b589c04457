"""What may be written for a setting, as JSON Schema says it (draft-07): the pieces of forms.

A form tells the kind of a value and how it may look, not what it means: whether a port is free or a
name exists is said when the file is read. Nothing that rpx takes is refused by a form, so each
takes a text with a `$` as well: a variable, of which nobody knows yet what it will be.

In place of a mapping of settings stands its model; json_schema.py puts a reference there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Form = Mapping[str, Any]

VARIABLE: Final = r"\$"
_NO: Final = "[Nn][Oo]|[Oo][Ff][Ff]"  # what YAML 1.2 has as a text, and rpx as a boolean
_BOOLEAN: Final = f"[Yy][Ee][Ss]|[Oo][Nn]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|{_NO}"


def text(pattern: str = "", **more: object) -> Form:
    """A text; with a `pattern` (ECMA 262), one that it fits, or with a variable in it."""
    return {"type": "string", **({"pattern": f"{pattern}|{VARIABLE}"} if pattern else {}), **more}


def number(kind: str = "integer", pattern: str = "", **bounds: float) -> Form:
    """A number, or a text that fits the `pattern`; `bounds` are `minimum` and the like."""
    return {
        "type": [kind, "string"],
        "pattern": f"{pattern}|{VARIABLE}" if pattern else VARIABLE,
        **bounds,
    }


def any_of(*forms: object) -> Form:
    """One of several forms; of a model its mapping."""
    return {"anyOf": list(forms)}


def choice(*words: object, also: str = "") -> Form:
    """One of these words. What fits the pattern `also` is taken, and not offered by editors."""
    return any_of({"enum": list(words)}, text(also or "^$"))


def list_of(form: object, *, least: int = 0, **more: object) -> Form:
    """A list of so many, or more."""
    return {"type": "array", "items": form, **({"minItems": least} if least else {}), **more}


def one_or_more(form: object) -> Form:
    """One of something, or a list of at least one."""
    return any_of(form, list_of(form, least=1))


def names_to(form: object, **more: object) -> Form:
    """A mapping of the user's own words."""
    return {"type": "object", "additionalProperties": form, **more}


TEXT: Final = text()
FILLED: Final = text(minLength=1)
# A text whatever it looks like: `1.10`, `0755`, `yes`.
AS_WRITTEN: Final[Form] = {"type": ["string", "number", "boolean"]}
BOOLEAN: Final[Form] = {"type": ["boolean", "string"], "pattern": f"^({_BOOLEAN})$|{VARIABLE}"}
NO: Final = any_of({"enum": [False]}, text(f"^({_NO})$"))
COMMAND: Final = any_of(
    {**AS_WRITTEN, "pattern": r"\S"},  # no number and no boolean is empty
    list_of(AS_WRITTEN, least=1),
)
PORT: Final = number(pattern="^[0-9]{1,5}$", minimum=0, maximum=65535)
NAME: Final = text("^[A-Za-z0-9][A-Za-z0-9_-]*$")
