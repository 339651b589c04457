"""`path`, `method`, `headers` and `query` of a route: which requests it takes.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, ConfigDict, model_validator

from rpx.config.settings.forms import AS_WRITTEN, names_to, one_or_more, text
from rpx.config.settings.header_fields import TOKEN, HeadersWritten, field_text
from rpx.config.settings.written import Kind, given, several
from rpx.config.wording import each_of, shown, wrong
from rpx.model.suggest import nearest
from rpx.policy.expression_trees import BadPattern
from rpx.policy.path_patterns import read_pattern
from rpx.policy.route_table import ANY_VALUE

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NEVER: Final = ("CONNECT", "TRACE")  # http/head.py
# What has been read and cut off before a route is looked for (http/head.py).
_HOP = re.compile(
    r"(?i:connection|te|transfer-encoding|via|forwarded|x-forwarded-.*|x-real-ip|keep-alive"
    r"|proxy-.*|http2-settings)"
)


def paths(value: object) -> object:
    """One pattern, or several."""
    if value == []:
        raise wrong("is an empty list", "leave it out for any path")
    return each_of(_path, enumerate(several(given(value))))


def _path(listed: tuple[int, object]) -> str:
    index, pattern = listed
    if not isinstance(pattern, str):
        raise wrong(f"is no pattern of paths: {shown(pattern)}", "for example /api/*", index)
    try:
        read_pattern(pattern)
    except BadPattern as error:
        raise wrong(f"{error}: {shown(pattern)}", error.hint, index) from None
    return pattern


def methods(value: object) -> object:
    """One method, or several, in upper case."""
    return each_of(_method, enumerate(several(given(value))))


def _method(listed: tuple[int, object]) -> str:
    index, value = listed
    if not isinstance(value, str) or not TOKEN.fullmatch(value):
        raise wrong(f"is no method: {shown(value)}", "for example GET", index)
    method = value.upper()
    if method in _NEVER:
        raise wrong(f"is never passed on: `{method}`", "rpx refuses it: leave it out", index)
    near = nearest(method.lower(), [each.lower() for each in _METHODS], most=1)
    if near and near.upper() != method:
        raise wrong(f"is no method: {shown(value)}", f"did you mean `{near.upper()}`?", index)
    return method


def query(value: object) -> object:
    """Names and values of a query; `*` is any value."""
    if not isinstance(value, dict):
        raise wrong(f"is not a mapping: {shown(value)}", 'write `query: {v: "2"}`')
    return each_of(_argument, value.items())


def _argument(pair: tuple[object, object]) -> tuple[str, str]:
    name, text = pair
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        hint = 'put it in quotes; `"*"` is any'
        raise wrong(f"has no text for `{name}`: {shown(text)}", hint, str(name))
    return str(name), str(text)


class RouteHeadersWritten(HeadersWritten):
    """`headers` of a route: `request` and `response` are rules, as of a proxy; every other name is
    a header that requests must have for the route.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, object]

    @model_validator(mode="after")
    def _are_headers(self) -> RouteHeadersWritten:
        self.conditions()
        return self

    def conditions(self) -> tuple[tuple[str, str], ...]:
        """Names in lower case, and values."""
        return each_of(_condition, (self.model_extra or {}).items())


def _condition(pair: tuple[str, object]) -> tuple[str, str]:
    name, text = pair
    if isinstance(text, dict):
        hint = "rules are `request: {set: …}` and `response: {set: …}`"
        raise wrong(f"has no text for `{name}`: {shown(text)}", hint, name)
    if not TOKEN.fullmatch(name):
        hint = 'write `headers: {X-Beta: "1"}`'
        raise wrong(f"has something that is no name of a header: {shown(name)}", hint, name)
    if name.lower() == "host":
        raise wrong("asks for a `Host`", "hosts are chosen first: write it as `to`", name)
    if _HOP.fullmatch(name):
        hint = "it is for rpx, which has taken it off; `Upgrade` may be asked for"
        raise wrong(f"asks for `{name}`, which says nothing of a request", hint, name)
    if text is None:
        raise wrong(f"has no value for `{name}`", f'`{name}: "*"` is any', name)
    return name.lower(), text if text == ANY_VALUE else field_text(name, text)


Paths = Annotated[
    tuple[str, ...],
    BeforeValidator(paths),
    Kind("pattern of paths, or list", one_or_more(text("^[/~]")), list),
]
Methods = Annotated[
    tuple[str, ...],
    BeforeValidator(methods),
    Kind("method, or list of them", one_or_more(text("^[A-Za-z-]+$")), list),
]
Query = Annotated[
    tuple[tuple[str, str], ...],
    BeforeValidator(query),
    Kind("mapping of names to texts", names_to(AS_WRITTEN), dict),
]
RouteHeaders = Annotated[
    RouteHeadersWritten,
    Kind("mapping of names to texts, `request`, `response`", RouteHeadersWritten),
]
