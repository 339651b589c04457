"""The JSON Schema of rpx.yaml as it is written: for editors, and for who checks files elsewhere.

It is made of the models in `settings/`: their words are its descriptions, the defaults of their
nouns its defaults, the forms of their types what may be written. Draft-07 is what editors know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rpx.config.settings.forms import (
    AS_WRITTEN,
    BOOLEAN,
    TEXT,
    Form,
    any_of,
    choice,
    list_of,
    number,
)
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.top_level import ONE_PROXY, ProjectWritten
from rpx.config.settings.written import Kind, Switched, Written, given
from rpx.model.suggest import camel

_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_BOUNDS: Final = {  # as pydantic's metadata calls them
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "min_length": "minLength",
}
_NONE: Final[tuple[object, ...]] = (None, "", b"", (), {})  # defaults that are nothing


def json_schema() -> dict[str, Any]:
    """The schema: what it refuses, rpx refuses; rpx also knows what belongs to what, which ports
    are taken, and the like.
    """
    definitions = _Definitions()
    whole = definitions.mapping(ProjectWritten, "#")
    alone = {name: {"$ref": f"#/definitions/Proxy/properties/{name}"} for name in ONE_PROXY}
    whole["properties"] |= alone
    whole["patternProperties"] |= _camel(alone, "#")
    whole["anyOf"] = [{"required": [name]} for name in ("proxies", "processes", "to")]
    whole["dependencies"] = {
        name: {"required": ["to"], **_without(_others(ProxyWritten, name))} for name in alone
    }
    whole["dependencies"]["to"] = {"anyOf": _one_of(ProxyWritten.needs)}
    whole["dependencies"]["proxies"] = _without(alone)
    return {
        "title": "rpx.yaml",
        "description": "What rpx starts, and which hosts lead where",
        **whole,
        "definitions": dict(sorted(definitions.known.items())),
    }


class _Definitions:
    """The mappings of settings that the schema refers to, by name."""

    def __init__(self) -> None:
        self.known: dict[str, Any] = {}

    def mapping(self, model: type[Written], place: str) -> dict[str, Any]:
        """What may stand in a mapping; its schema is to stand at `place`."""
        named = [(field.alias or name, field) for name, field in model.model_fields.items()]
        properties = {name: self._property(name, field, model) for name, field in named}
        others = {name: _others(model, name) for name in properties}
        found = {
            "type": "object",
            "properties": properties,
            "patternProperties": {"^x-": {}, **_camel(properties, place)},
            "additionalProperties": False,
            "required": [n for n, field in named if field.is_required() and n not in model.needs],
            "anyOf": _one_of(model.needs),
            "dependencies": {name: _without(each) for name, each in others.items() if each},
        }
        if model.model_config.get("extra") == "allow":  # the user's own words, also `x-…`
            found |= {"additionalProperties": AS_WRITTEN, "patternProperties": {}}
        return {name: each for name, each in found.items() if each not in ([], {})}

    def _property(self, name: str, field: FieldInfo, model: type[Written]) -> dict[str, Any]:
        """What may stand behind a key, what it is for, what holds without it."""
        found = self._resolved(_form(field.annotation, field.metadata))
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        otherwise = str(extra.get("otherwise", ""))
        words = field.description or ""
        if otherwise and not otherwise.startswith("`"):
            words = f"{words}. Default: {otherwise}"
        told: dict[str, Any] = {"description": _LINK.sub(r"\1", words)}
        if (default := _default(name, field, model, otherwise)) is not None:
            told["default"] = default
        # In draft-07 nothing that stands beside a reference counts.
        return {**told, **({"allOf": [found]} if "$ref" in found else found)}

    def _resolved(self, form: object) -> Any:  # noqa: ANN401 - whatever JSON can be
        """A form with references in the place of models."""
        if isinstance(form, type) and issubclass(form, Written):
            return {"$ref": self._reference(form)}
        if isinstance(form, Mapping):
            return {key: self._resolved(each) for key, each in form.items()}
        return [self._resolved(each) for each in form] if isinstance(form, list) else form

    def _reference(self, model: type[Written]) -> str:
        name = model.__name__.removesuffix("Written")
        place = f"#/definitions/{name}"
        if name not in self.known:
            self.known[name] = {}  # it may refer to itself
            self.known[name] = self.mapping(model, place)
        return place


def _form(annotation: Any, metadata: Sequence[Any] = ()) -> Form | type[Written]:  # noqa: ANN401
    """The form of a type: that of its Kind, or what its Python says, within its bounds."""
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        return _form(inner, (*own, *metadata))
    if get_origin(annotation) in {Union, UnionType} and _optional(annotation):
        (only,) = [each for each in get_args(annotation) if each is not type(None)]
        form = _form(only, metadata)
        refused = any(getattr(each, "func", None) is given for each in metadata)
        return form if refused or form == {} else any_of(form, {"type": "null"})
    forms = [each.form for each in metadata if isinstance(each, Kind) and each.form is not None]
    form = forms[-1] if forms else _plain(annotation)
    return form if isinstance(form, type) else _bounded(form, metadata)


def _optional(annotation: object) -> bool:
    return type(None) in get_args(annotation)


def _plain(annotation: Any) -> Form | type[Written]:  # noqa: ANN401 - any type there is
    """What Python's type says."""
    if get_origin(annotation) is Literal:
        return choice(*get_args(annotation))
    if get_origin(annotation) is list:
        return list_of(_form(*get_args(annotation)))
    if isinstance(annotation, type) and issubclass(annotation, Written):
        return any_of(BOOLEAN, annotation) if issubclass(annotation, Switched) else annotation
    return {bool: BOOLEAN, int: number(), float: number("number"), str: TEXT}[annotation]


def _bounded(form: Form, metadata: Iterable[Any]) -> Form:
    """A form with the bounds that pydantic has for the value; those of a text are its length."""
    return {**form, **dict(_bounds(metadata))} if "type" in form else form


def _bounds(metadata: Iterable[Any]) -> Iterator[tuple[str, float]]:
    for each in metadata:
        if isinstance(each, FieldInfo):
            yield from _bounds(each.metadata)
        for name, word in _BOUNDS.items():
            if (bound := getattr(each, name, None)) is not None:
                yield word, bound


def _default(name: str, field: FieldInfo, model: type[Written], otherwise: str) -> object:
    """What may be written for that which holds anyway; None: nothing does."""
    if otherwise:
        return {"`true`": True, "`1`": 1}.get(otherwise)
    if field.is_required():
        return None
    nouns = (each.model_fields for each in model.nouns)
    noun = next((fields[name] for fields in nouns if name in fields), None)
    default = noun.get_default(call_default_factory=True) if noun is not None else None
    if noun is None or noun.is_required() or default in _NONE:
        return None
    back = written_by(field.annotation, field.metadata)
    value = back(default) if back else default
    return None if isinstance(value, BaseModel) else value


def written_by(annotation: Any, metadata: Sequence[Any] = ()) -> Any:  # noqa: ANN401 - see Kind
    """What takes a value of a type back to what may be written; None: it is that already."""
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        return written_by(inner, (*own, *metadata))
    found = [each.written for each in metadata if isinstance(each, Kind) and each.written]
    if not found and get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(written_by, get_args(annotation))), None)
    return found[-1] if found else None


def _camel(properties: Iterable[str], place: str) -> dict[str, Any]:
    """The other spelling of names. Editors offer properties, and no patterns."""
    return {
        f"^{camel(name)}$": {"$ref": f"{place}/properties/{name}"}
        for name in properties
        if camel(name) != name
    }


def _one_of(names: Iterable[str]) -> list[dict[str, Any]]:
    return [{"required": [name]} for name in names]


def _others(model: type[Written], name: str) -> list[str]:
    """The settings that don't go with one of them."""
    groups = [group for group in model.apart if name in group]
    return [each for each in dict.fromkeys(sum(groups, ())) if each != name]


def _without(names: Iterable[str]) -> dict[str, Any]:
    """A mapping without these."""
    return {"properties": dict.fromkeys(names, False)}
