"""Pydantic's findings in a user's words: a subject, a sentence, a place and a hint for each."""

from __future__ import annotations

import re
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from rpx.config.mistakes.unknown import known_at, meant_by
from rpx.config.settings.places import MODELS, forgotten
from rpx.config.wording import shown
from rpx.config.yaml.document import LISTED, Document, Steps, is_route

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

_WHOLE = re.compile(r"[+-]?[0-9]+(?:\.0*)?(?:[eE]\+?[0-9]+)?")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]*)?")
_DIGITS = 15  # of the largest number that means something in any setting
_RANGE = "or leave it out to have the default"

# What comes after the subject, by pydantic's type of error, and what to do about it.
_SENTENCES = {
    "bool_type": ("is not true or false: {shown}", "write true or false, without quotes"),
    "string_type": ("is not text: {shown}", "{as_text}"),
    "string_too_short": ("is an empty text", "give it a value, or remove the line"),
    "path_type": ("is not a path: {shown}", "write a path relative to the file, as ./api"),
    "int_type": ("is not a whole number: {shown}", "{as_number}"),
    "float_type": ("is not a number: {shown}", "{as_number}"),
    "list_type": ("is not a list: {shown}", "begin each entry with `- `"),
    "dict_type": ("is not a mapping: {shown}", "write `name: value` lines below it"),
    "model_type": ("is not a mapping of settings: {shown}", "{example}" + LISTED + "{known}"),
    "greater_than": ("must be more than {gt:g}: {shown}", f"write a larger one, {_RANGE}"),
    "greater_than_equal": ("must be at least {ge:g}: {shown}", f"write a larger one, {_RANGE}"),
    "less_than_equal": ("must be at most {le:g}: {shown}", f"write a smaller one, {_RANGE}"),
}


def check(
    shape: TypeAdapter[T], value: object, at: Steps, document: Document, context: dict[str, Any]
) -> T | None:
    """`value`, which stands at `at`, in the given shape; None if that cannot be, and `document`
    knows why.
    """
    try:
        return shape.validate_python(value, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
    _report_all(details, at, document)
    if any(detail["type"] != "extra_forbidden" for detail in details):
        return None
    try:  # what else it has may be at odds with others, and is to be said in the same run
        found = shape.validate_python(
            _without(value, [detail["loc"] for detail in details]), context=context
        )
    except ValidationError:
        return None
    document.incomplete.add(at)
    return found


def _without(value: object, places: list[tuple[int | str, ...]]) -> object:
    """A copy of nested mappings and lists without what stands at some places."""
    if isinstance(value, dict):
        if places and isinstance(places[0][0], int):  # one of something that may be a list
            return _without(value, [place[1:] for place in places])
        gone = {place[0] for place in places if len(place) == 1}
        inner = {key: [place[1:] for place in places if place[0] == key] for key in value}
        return {key: _without(each, inner[key]) for key, each in value.items() if key not in gone}
    if isinstance(value, list):
        return [
            _without(each, [place[1:] for place in places if place[0] == index])
            for index, each in enumerate(value)
        ]
    return value


def check_parts(
    model: type[M], document: Document, context: dict[str, Any]
) -> tuple[M, set[str | int]]:
    """The whole document in the shape of a model whose settings are all optional, without the
    settings that are wrong; and which those are.
    """
    try:
        return model.model_validate(document.values, context=context), set()
    except ValidationError as error:
        details = error.errors(include_url=False)
    _report_all(details, (), document)
    faulty = {detail["loc"][0] for detail in details}
    sound = {key: value for key, value in document.values.items() if key not in faulty}
    return model.model_validate(sound, context=context), faulty


def _report_all(details: list[ErrorDetails], at: Steps, document: Document) -> None:
    for detail in details:
        if detail["type"] == "extra_forbidden":
            steps = (*at, *detail["loc"])
            if near := meant_by(steps, document)[0]:
                document.meant.add((*steps[:-1], near))
    for detail in details:
        # `comand` is the mistake; that there is no `command` only follows from it.
        if detail["type"] != "missing" or (*at, *detail["loc"]) not in document.meant:
            _report(detail, at, document)


def _report(detail: ErrorDetails, at: Steps, document: Document) -> None:
    steps = (*at, *detail["loc"])
    on_key = steps[-1:] == ("[key]",)
    if on_key:
        steps = steps[:-1]
    if detail["type"] == "missing":
        steps = (*document.written(steps[:-1]), steps[-1])
    else:
        steps = document.written(steps)
    if document.is_broken(steps):
        return
    match detail["type"]:
        case "extra_forbidden":
            parent, key = steps[:-1], str(steps[-1])
            _, hint = meant_by(steps, document)
            what = f"{owner(parent, document)} has an unknown setting `{key}`"
            document.report(what, steps, hint, key=True)
        case "missing":
            parent, key = steps[:-1], str(steps[-1])
            what = f"{owner(parent, document)} has no `{key}`"
            document.report(what, parent, forgotten(steps))
        case "rpx":
            _report_ours(detail["ctx"], steps, document, on_key=on_key)
        case "int_type" if _is_whole(detail["input"]):
            what = f"{subject(steps, document)} is too large: {shown(detail['input'])}"
            document.report(what, steps, "write a smaller number, in digits", key=on_key)
        case kind:
            many = isinstance(detail["input"], list | tuple | dict)
            what, hint = _SENTENCES.get(kind, (f"is not right: {detail['msg']}", ""))
            words = {
                "shown": shown(detail["input"]),
                "known": ", ".join(known_at(steps, document)),
                "example": _example(steps),
                "as_text": "write a single text" if many else "put it in quotes",
                "as_number": _as_number(kind, detail["input"]),
            } | detail.get("ctx", {})
            what = f"{subject(steps, document)} {what.format_map(words)}"
            document.report(what, steps, hint.format_map(words), key=on_key)


def _report_ours(found: dict[str, Any], steps: Steps, document: Document, *, on_key: bool) -> None:
    """What wording.py has made, with what else is wrong in the same value."""
    for each in (found, *found.get("others", ())):
        what = f"{subject(steps, document)} {each['what']}"
        at = steps if each["at"] is None else (*steps, each["at"])
        document.report(what, at, each["hint"], key=on_key)


def _as_number(kind: str, value: object) -> str:
    """What to do about something that is no number, or not a whole one."""
    if kind == "int_type" and isinstance(value, float):
        return "write digits, without a fraction"
    quoted = isinstance(value, str) and _NUMBER.fullmatch(value)
    return "write digits, without quotes" if quoted else "write it in digits"


def _is_whole(value: object) -> bool:
    """Whether it would be a whole number, if such numbers had no bound."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = float(value)
    return isinstance(value, float) and abs(value) >= 10**_DIGITS


def subject(steps: Steps, document: Document) -> str:
    """What a sentence about `steps` begins with: "`interval` of proxy `api`"."""
    steps = document.written(steps)
    if len(steps) == 2 and steps[0] in {"proxies", "processes"}:
        return owner(steps, document)
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return document.label
    if (route := _route(steps)) is not None:
        whose = owner(route, document)
        inner = [step for step in steps[len(route) :] if isinstance(step, str)]
        return f"`{inner[-1]}` of {whose}" if inner else whose
    if names[0] in {"proxies", "processes"} and len(steps) > 2:
        return f"`{names[-1]}` of {owner(steps[:2], document)}"
    return f"`{'.'.join(names)}`"


def _route(steps: Steps) -> Steps | None:
    """The entry of `routes` that is at these steps, or around them."""
    ends = (end for end in range(2, len(steps) + 1) if is_route(steps[:end]))
    return next((steps[:end] for end in ends), None)


def owner(steps: Steps, document: Document) -> str:
    """Whose setting is missing or unknown: "proxy `api`", "`restart` of process `db`"."""
    match steps:
        case ("proxies", int(index)):
            return _proxy(index, document)
        case (*above, "routes", int(index)):
            route = f"route {index + 1}"
            return f"{route} of {owner(tuple(above), document)}" if above else route
        case ("processes", str(name)):
            return f"process `{name}`"
        case _:
            return subject(steps, document)


def _proxy(index: int, document: Document) -> str:
    """By its name, else its host, else its place in the list."""
    entries = document.values["proxies"]
    entry = entries[index] if isinstance(entries, list) else None
    if isinstance(entry, dict):
        for key in ("name", "to"):
            value = entry.get(key)
            first = value[0] if isinstance(value, list) and value else value
            if isinstance(first, str) and first:
                return f"proxy {shown(first)}"
    return f"entry {index + 1} of `proxies`"


def _example(steps: Steps) -> str:
    model = MODELS.get(str(steps[-1])) if steps else None
    return f"write it as `{model.example}`; " if model and model.example else ""
