"""`health_check`: how a backend is asked whether it is well.

Raises: PydanticCustomError, as values.py says.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field

from rpx.config.settings.values import Count, Milliseconds, Seconds, UrlPath
from rpx.config.settings.written import Kind, Maybe, Switched, setting, switch
from rpx.config.wording import shown, wrong

_RANGE = re.compile(r"([1-5][0-9][0-9])(?:\s*-\s*([1-5][0-9][0-9]))?")


def statuses(value: object) -> object:
    """`200`, `200-399`, `200,204,300-399`, or a list of those, as ranges."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(_status(part) for part in (parts if isinstance(parts, list) else [parts]))


def _status(value: object) -> tuple[int, int]:
    found = _RANGE.fullmatch(str(value).strip())
    if found is None or int(found[1]) > int(found[2] or found[1]):
        hint = "write 200, 200-399 or [200, 204, 300-399]"
        raise wrong(f"has something that is no status and no range: {shown(value)}", hint)
    return int(found[1]), int(found[2] or found[1])


Statuses = Annotated[
    tuple[tuple[int, int], ...], BeforeValidator(statuses), Kind("`200`, `200-399`, list")
]


class HealthCheckWritten(Switched):
    """`health_check`."""

    example = "health_check: {path: /health}"

    path: Maybe[UrlPath] = setting("what is asked for, with GET")
    interval: Maybe[Annotated[Milliseconds, Field(gt=0)]] = setting(
        "between checks of a backend that is up. A backend that is out of rotation is asked every"
        " second, or at this interval if that is shorter, and"
        " [knocked at](supervision.md#knocks) more often while nothing listens there"
    )
    timeout: Maybe[Annotated[Milliseconds, Field(gt=0)]] = setting(
        "an answer that comes later is a failure"
    )
    healthy_threshold: Maybe[Count] = setting("passes in a row until it is in rotation")
    unhealthy_threshold: Maybe[Count] = setting("failures in a row until it is out")
    expect: Maybe[Statuses] = setting("statuses that pass; redirects are not followed")
    start_period: Maybe[Seconds] = setting(
        "so long, failures of a process that has never been ready don't count. Afterwards,"
        " `unhealthy_threshold` failures make it `unhealthy`, and as many again"
        " [replace](supervision.md#health) it"
    )


HealthCheckField = Annotated[HealthCheckWritten, BeforeValidator(switch)]
