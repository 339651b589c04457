"""The endpoints of the control API as values: what each takes, what it gives, and who answers."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from rpx.errors import UsageError

Kind = Literal["string", "boolean", "integer", "number"]
M = TypeVar("M", bound=BaseModel)
OTHER_VERSION: Final = "is the running rpx of another version than this command?"
Answers = Callable[[Request], Awaitable[Response]]
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}


class Misshapen(UsageError):
    """A request that is not as the API describes it."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter behind the `?`. Numbers are 0 or more."""

    name: str
    says: str
    kind: Kind = "string"
    repeated: bool = False
    required: bool = False
    words: tuple[str, ...] = ()  # of which it is one


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `gives` is the type of its JSON, `lines` the types of the lines of a stream (NDJSON), `text` the
    media type of an answer that is neither. A `body` is JSON; `may_be_empty` takes none, too.
    """

    path: str
    says: str
    answers: Answers
    gives: object = None
    lines: Sequence[object] = ()
    text: str = ""
    method: Literal["GET", "POST"] = "GET"
    query: Sequence[Query] = ()
    body: type[BaseModel] | None = None
    may_be_empty: bool = False


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """Whether this is asked for. Raises: Misshapen for what is neither true nor false."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text not in _FLAGS:
        raise Misshapen(f"`{name}` is neither true nor false: {text}")
    return _FLAGS[text]


def whole_number(request: Request, name: str, most: int) -> int:
    """The number, no more than `most`, which is what is meant without one.

    Raises: Misshapen for what is no number.
    """
    text = request.query_params.get(name)
    if text is None:
        return most
    if not text.isascii() or not text.isdigit():
        raise Misshapen(f"`{name}` is not a whole number: {text}")
    return min(int(text), most) if len(text) <= len(str(most)) else most


def seconds(request: Request, name: str, default: float) -> float:
    """The number of seconds. Raises: Misshapen for what is no number, or below zero."""
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found < math.inf:
        raise Misshapen(f"`{name}` is not a number of seconds: {text}")
    return found


async def body_of(request: Request, shape: type[M]) -> M:
    """The body, of that shape. Raises: Misshapen."""
    try:
        return shape.model_validate_json(await request.body())
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in wrong["loc"]) or "the body"
        raise Misshapen(
            f"{where}: {wrong['msg']}",
            hint=OTHER_VERSION,
        ) from None
