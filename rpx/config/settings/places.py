"""Which settings there are, and where each may stand: the models seen from their names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic.fields import FieldInfo

from rpx.config.settings.depends import DependencyWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.start_settings import ProcessWritten
from rpx.config.settings.top_level import TopWritten
from rpx.config.settings.written import Written
from rpx.config.yaml.document import Steps


def _named(model: type[Written]) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of a model with the names as they are written."""
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _mappings(model: type[Written]) -> Iterator[tuple[str, type[Written]]]:
    """Each setting of a model, or below it, that may be a mapping of settings; and its model."""
    for name, field in _named(model):
        for inner in _models(field.annotation):
            yield name, inner
            yield from _mappings(inner)


def _models(annotation: Any) -> Iterator[type[Written]]:  # noqa: ANN401 - any type there is
    if isinstance(annotation, type) and issubclass(annotation, Written):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


# Of a setting that stands in several places the last one's model: of `https` that of the project.
# `depends_on` is a mapping of names, and only what these have is a mapping of settings.
MODELS: dict[str, type[Written]] = {
    name: model
    for top in (ProcessWritten, ProxyWritten, TopWritten)
    for name, model in _mappings(top)
    if model is not DependencyWritten
}
_ALL: tuple[type[Written], ...] = (
    *MODELS.values(),
    TopWritten,
    ProxyWritten,
    ProcessWritten,
    DependencyWritten,
)


def model_at(steps: Steps) -> type[Written] | None:
    """The model of the mapping at `steps`, or of each entry of the list there; None for others."""
    match steps:
        case ():
            return TopWritten
        case ("processes", _):
            return ProcessWritten
        case ("proxies", int()):
            return ProxyWritten
        case (*_, "depends_on", str()):
            return DependencyWritten
        case (*_, str(key)) | (*_, str(key), int()):
            return MODELS.get(key)
        case _:
            return None


def settings_at(steps: Steps) -> tuple[str, ...]:
    """The settings that the mapping at `steps` may have."""
    model = model_at(steps)
    return settings_of(model) if model else ()


def settings_of(model: type[Written]) -> tuple[str, ...]:
    """The names of a model's settings as they are written."""
    return tuple(name for name, _ in _named(model))


def all_settings() -> set[str]:
    """Every setting of every model."""
    return {name for model in _ALL for name in settings_of(model)}


def forgotten(steps: Steps) -> str:
    """What to write for the setting at `steps`, which must be there, as a hint; "" where it need
    not.
    """
    model = model_at(steps[:-1]) if steps[:-1] else ProxyWritten  # the only one, at top level
    fields = [field for name, field in _named(model) if name == steps[-1]] if model else []
    return next((str(field.examples[0]) for field in fields if field.examples), "")
