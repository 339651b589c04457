"""`headers`: what becomes of the fields of requests, and of answers.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from pydantic import BeforeValidator

from rpx.config.settings.forms import AS_WRITTEN, any_of, list_of, names_to, one_or_more, text
from rpx.config.settings.written import Kind, Maybe, Written, setting, several
from rpx.config.wording import each_of, shown, wrong
from rpx.model.route import FieldRules, HeaderRules
from rpx.model.untouchable import UNTOUCHABLE

_CHARACTERS: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # RFC 9110 §5.6.2
TOKEN: Final = re.compile(_CHARACTERS)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110 §5.5
_INSTEAD: Final = {
    "host": "`change_origin: true` says to a backend what it calls itself",
    "connection": "rpx says it itself, hop by hop",
    "upgrade": "WebSockets pass without it",
}


def field_name(name: object, at: int | str | None = None) -> str:
    """The name of a field that a rule may be about; the rule stands `at` that entry."""
    if not isinstance(name, str) or not TOKEN.fullmatch(name):
        raise wrong(f"has something that is no name of a header: {shown(name)}", "write X-Env", at)
    if name.lower() in UNTOUCHABLE:
        hint = _INSTEAD.get(name.lower(), "it says how a message is sent: leave that to rpx")
        raise wrong(f"is about `{name}`, which is not a rule's to change", hint, at)
    return name


def field_text(name: str, text: object) -> str:
    """The value of a field."""
    if text is None or isinstance(text, bool) or not isinstance(text, str | int | float):
        hint = f"write `{name}: text`; what looks like something else goes in quotes"
        raise wrong(f"has no text for `{name}`: {shown(text)}", hint, name)
    if "\n" in str(text) or "\r" in str(text):
        raise wrong(f"has a line break in `{name}`", "a header is one line: write it as one", name)
    if _CONTROL.search(str(text)):
        raise wrong(f"holds a character in `{name}` that no header can", "remove it", name)
    return str(text).strip(" \t")


def replaced(value: object) -> object:
    """Names and the one text that each is to have."""
    seen: set[str] = set()

    def once(pair: tuple[object, object]) -> tuple[str, str]:
        name, text = field(pair)
        if name.lower() in seen:
            raise wrong(f"has `{name}` twice", "upper and lower case are the same: keep one", name)
        seen.add(name.lower())
        return name, text

    return each_of(once, _pairs(value, "set"))


def added(value: object) -> object:
    """Names and the text, or the texts, that each is to have as well."""
    return each_of(
        field,
        (
            (name, text)
            for name, texts in _pairs(value, "add")
            for text in (texts if isinstance(texts, list) and texts else [texts])
        ),
    )


def field(pair: tuple[object, object]) -> tuple[str, str]:
    """The name and the value of a field."""
    name = field_name(pair[0], str(pair[0]))
    return name, field_text(name, pair[1])


def _pairs(value: object, rule: str) -> Iterable[tuple[object, object]]:
    if not isinstance(value, dict):
        raise wrong(f"is not a mapping: {shown(value)}", f"write `{rule}: {{X-Env: dev}}`")
    return value.items()


def removed(value: object) -> object:
    """Names, or with a `*` the beginnings of names, in lower case."""
    return each_of(_removed, enumerate(several(value)))


def _removed(listed: tuple[int, object]) -> str:
    index, each = listed
    name = each.removesuffix("*") if isinstance(each, str) and each != "*" else each
    if each == "*":
        hint = "name them, or a beginning: `X-Debug-*`"
        raise wrong("would remove every header", hint, index)
    return field_name(name, index).lower() + ("*" if name != each else "")


def written_added(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """What may be written for names that may be there several times."""
    lists: dict[str, list[str]] = {}
    for name, each in found:
        lists.setdefault(name, []).append(each)
    return lists


_NAMES: Final = {"pattern": f"^{_CHARACTERS}$"}
FIELDS: Final = names_to(AS_WRITTEN, propertyNames=_NAMES)
Pairs = tuple[tuple[str, str], ...]
Replaced = Annotated[
    Pairs, BeforeValidator(replaced), Kind("mapping of names to texts", FIELDS, dict)
]
Added = Annotated[
    Pairs,
    BeforeValidator(added),
    Kind(
        "mapping of names to texts, or lists",
        names_to(any_of(AS_WRITTEN, list_of(AS_WRITTEN, least=1)), propertyNames=_NAMES),
        written_added,
    ),
]
Removed = Annotated[
    tuple[str, ...],
    BeforeValidator(removed),
    Kind("name, or list", one_or_more(text(r"^[^\s*]+\*?$")), list),
]


class FieldRulesWritten(Written):
    """`headers.request`, `headers.response`. Values have variables, as own_variables.py says."""

    example = "request: {set: {X-Env: dev}}"

    set: Maybe[Replaced] = setting(
        "instead of whatever else it says. [Variables](#variables-of-a-request) are of the request"
    )
    add: Maybe[Added] = setting("beside what it says already")
    remove: Maybe[Removed] = setting("with a `*` at its end it is the beginning of names")

    def rules(self) -> FieldRules:
        """As a noun."""
        return FieldRules(**self.written())


class HeadersWritten(Written):
    """`headers` of a proxy, and of `defaults`."""

    example = "headers: {response: {set: {Cache-Control: no-store}}}"

    request: Maybe[FieldRulesWritten] = setting("what backends get: `set`, `add`, `remove`")
    response: Maybe[FieldRulesWritten] = setting("what clients get: likewise")

    def rules(self) -> HeaderRules:
        """As a noun."""
        given = {"request": self.request, "response": self.response}
        return HeaderRules(**{name: each.rules() for name, each in given.items() if each})
