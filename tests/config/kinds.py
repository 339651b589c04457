"""How docs/configuration.md calls the type of a setting, and how Python does."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from rpx.config.settings.written import Kind, Switched, Written


def kind_of(field: FieldInfo) -> str:
    """How docs/configuration.md calls the type of a setting."""
    kinds = [each for each in field.metadata if isinstance(each, Kind)]
    return kinds[-1].words if kinds else _kind(field.annotation)


def plain_type(annotation: Any) -> Any:  # noqa: ANN401 - types of all kinds
    """A type without what pydantic is told about it, and without None."""
    if get_origin(annotation) is Annotated:
        return plain_type(get_args(annotation)[0])
    if get_origin(annotation) in {Union, UnionType}:
        (only,) = [each for each in get_args(annotation) if each is not type(None)]
        return plain_type(only)
    return annotation


def _kind(annotation: Any) -> str:  # noqa: ANN401 - types of all kinds
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        kinds = [each for each in metadata if isinstance(each, Kind)]
        return kinds[-1].words if kinds else _kind(inner)
    if get_origin(annotation) in {Union, UnionType}:
        return next(filter(None, map(_kind, get_args(annotation))), "")
    if isinstance(annotation, type) and issubclass(annotation, Written):
        return "true, false, mapping" if issubclass(annotation, Switched) else "mapping"
    return "true, false" if annotation is bool else ""
