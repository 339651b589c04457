"""What every mapping of settings has in common, and a setting in it: its type and its words.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from rpx.config.settings.forms import Form
from rpx.config.wording import wrong

T = TypeVar("T")


def given(value: object) -> object:
    """A key without a value is a line somebody forgot to finish."""
    if value is None:
        raise wrong("has no value", "give it one, or remove the line")
    return value


Maybe = Annotated[T | None, BeforeValidator(given)]
Needed = Annotated[T, BeforeValidator(given)]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """In an Annotated type: how docs/configuration.md calls the type, and the form in which it may
    be written, as JSON Schema says it; None: what its Python says is enough.

    `written` takes a value of that type back to what may be written; None: it is that already.
    """

    words: str
    form: Form | None = None
    written: Callable[[Any], object] | None = None


def setting(words: str, otherwise: str = "") -> Any:  # noqa: ANN401 - its annotation has the type
    """A setting that need not be written. `words` say what it is for, as docs/configuration.md
    does: Markdown, with links from there. What holds where it isn't written is the default of its
    noun; `otherwise` says it where that isn't all.
    """
    return Field(None, description=words, json_schema_extra={"otherwise": otherwise})


def needed(words: str, example: str) -> Any:  # noqa: ANN401 - as above
    """A setting that must be written. `words` are as for `setting`, `example` is for who forgot."""
    return Field(description=words, examples=[example])


class Written(BaseModel):
    """Nothing is accepted and ignored.

    example  a short one, for who wrote no mapping
    nouns    what it becomes: their fields have the defaults of settings with the same name
    needs    settings, by the names in the file, of which there must be at least one
    apart    groups of settings, likewise, of each of which there may be only one
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    example: ClassVar[str] = ""
    nouns: ClassVar[tuple[type[BaseModel], ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ()
    apart: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def written(self) -> dict[str, Any]:
        """Only what was written, by field name, as the constructor of a noun takes it."""
        values = {name: getattr(self, name) for name in self.model_fields_set}
        return {
            name: value.written() if isinstance(value, Written) else value
            for name, value in values.items()
        }

    def written_for(self, noun: type[BaseModel]) -> dict[str, Any]:
        """Only what was written of the settings that a noun has by the same name."""
        return {n: value for n, value in self.written().items() if n in noun.model_fields}


class Switched(Written):
    """What is there or not: `true` and `false` stand for a mapping, which is there itself."""

    enabled: Maybe[StrictBool] = setting(
        "off if `false`, as it is by `false` instead of the mapping", "`true`"
    )


def switch(value: object) -> object:
    """`true` and `false` switch it."""
    return {"enabled": value} if isinstance(value, bool) else value


def switched(
    below: Mapping[str, Any] | None, above: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """What a proxy says (`above`) over what holds for all, key by key; None: it is not there."""
    if below is None and above is None:
        return None
    if above and below == {"enabled": False}:
        below = {}  # `health_check: false` for all: a proxy that describes its own has one
    merged = {**(below or {}), **(above or {})}
    return merged if merged.get("enabled", True) else None


def listed(value: object) -> object:
    """One of something that may be a list, and stays one."""
    return value if isinstance(value, list) else [value]


def several(value: object) -> tuple[object, ...]:
    """One of something that may be a list."""
    return tuple(value) if isinstance(value, list) and value else (value,)
