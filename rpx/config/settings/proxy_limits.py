"""`limits`: how much the proxy takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from rpx.config.settings.values import Count, Size, Whole
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.model.own_settings import Limits

_HeadSize = Annotated[Size, Field(ge=1024, le=2**20)]


class LimitsWritten(Written):
    """`limits`: how much, and what happens beyond it."""

    example = "limits: {body: 10mb}"
    nouns = (Limits,)

    head: Maybe[_HeadSize] = setting("of a request: 431; of an answer: 502")
    head_lines: Maybe[Annotated[StrictInt, Field(ge=10, le=10_000), Kind("10 to 10000")]] = setting(
        "of a request: 431; of an answer, which may have 1,000: 502"
    )
    target: Maybe[_HeadSize] = setting("path and query: 414")
    body: Maybe[Size] = setting("413, before a backend is asked where the length is known", "any")
    connections: Maybe[Count] = setting(
        "of clients: 503 with `Retry-After`. Never more than"
        " [half of the files](supervision.md#limits) that rpx may have open"
    )
    requests_per_backend: Maybe[Count] = setting(
        "at the same time, tunnels included: the next backend is asked, at last 503 with"
        " `Retry-After`"
    )
    held: Maybe[Whole] = setting("requests that wait for a backend, per host: 503")
