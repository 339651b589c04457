"""`depends_on`: what must be there before something else is started.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated, Final, get_args

from pydantic import BeforeValidator, StrictBool

from rpx.config.settings.forms import FILLED, any_of, choice, list_of, names_to
from rpx.config.settings.written import Kind, Maybe, Written, given, setting
from rpx.config.wording import shown, wrong
from rpx.model.config import Condition, Dependency
from rpx.model.suggest import choices

_OF_COMPOSE = {
    "service_started": "started",
    "service_healthy": "healthy",
    "service_completed_successfully": "completed",
}


def depends_on(value: object) -> object:
    """A name, or a list of them: what each has to be follows from what it is."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        return value
    if not all(isinstance(item, str) for item in value):
        raise wrong("is not a list of names", "for a condition write `{db: {condition: healthy}}`")
    if len(set(value)) < len(value):
        raise wrong("names something twice", "keep one of them")
    return {item: {} for item in value}


def dependency(value: object) -> object:
    """Just the condition."""
    return {"condition": value} if isinstance(value, str) else given(value)


def condition(value: object) -> object:
    """One of the conditions, or Compose's word for it."""
    known = _OF_COMPOSE.get(value, value) if isinstance(value, str) else value
    if known not in get_args(Condition):
        hint = f"write {choices(get_args(Condition))}"
        raise wrong(f"is not a condition: {shown(value)}", hint)
    return known


CONDITIONS: Final = choice(*get_args(Condition), also=f"^({'|'.join(_OF_COMPOSE)})$")
ConditionWord = Annotated[
    Condition, BeforeValidator(condition), Kind("`started`, `healthy`, `completed`", CONDITIONS)
]


class DependencyWritten(Written):
    """An entry of `depends_on`."""

    nouns = (Dependency,)

    condition: Maybe[ConditionWord] = setting("what it must be")
    required: Maybe[StrictBool] = setting("`false`: it may be missing from the run, or have failed")


DependsOn = Annotated[
    dict[str, Annotated[DependencyWritten, BeforeValidator(dependency)]],
    BeforeValidator(depends_on),
    Kind(
        "name, list, mapping",
        any_of(
            FILLED,
            list_of(FILLED, uniqueItems=True),
            names_to(any_of(CONDITIONS, DependencyWritten)),
        ),
    ),
]


def dependencies(
    written: Mapping[str, DependencyWritten] | None, oneshots: Container[str]
) -> tuple[Dependency, ...]:
    """Without a condition: a oneshot is to complete, everything else to be ready."""
    return tuple(
        Dependency(
            name=name,
            condition=each.condition or ("completed" if name in oneshots else "healthy"),
            required=each.required is not False,
        )
        for name, each in (written or {}).items()
    )
