"""`requests`: what is remembered of the requests that went through."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StrictInt

from rpx.config.settings.forms import BOOLEAN, any_of, one_or_more, text
from rpx.config.settings.values import Size
from rpx.config.settings.written import Kind, Maybe, Written, setting, several
from rpx.config.wording import shown, wrong
from rpx.model.own_settings import KeptRequests


def _switch(value: object) -> object:
    """`false` keeps none, `true` as many as usual."""
    if value is False:
        return {"keep": 0}
    return {} if value is True else value


def _field_names(value: object) -> object:
    """Names of fields, whose case means nothing."""
    names = several(value)
    if not isinstance(names, tuple | list):
        return names
    for name in names:
        if not isinstance(name, str) or not name or not set(name) <= _TOKEN:
            raise wrong(f"is not the name of a field: {shown(name)}", "for example X-Api-Key")
    return tuple(str(name).lower() for name in names)


_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


_FieldNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_field_names),
    Kind("name, or list", one_or_more(text("^[!-9;-~]+$")), list),
]


class RequestsWritten(Written):
    """`requests`."""

    example = "requests: {keep: 2000}"
    nouns = (KeptRequests,)

    keep: Maybe[Annotated[StrictInt, Field(ge=0, le=100_000), Kind("0 to 100000")]] = setting(
        "how many of the last, as far as 16 MB hold them; 0: none, as with `requests: false`"
    )
    bodies: Maybe[Annotated[Size, Field(le=1 << 20)]] = setting(
        "of each body, also while nobody looks; at most 1mb. While somebody looks on, 64kb"
    )
    redact: Maybe[_FieldNames] = setting(
        "fields whose values are `•••` when requests are shown, beside cookies and passwords"
    )


RequestsField = Annotated[
    RequestsWritten,
    BeforeValidator(_switch),
    Kind("boolean, or mapping", any_of(BOOLEAN, RequestsWritten)),
]
