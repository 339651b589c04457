"""`logs`: the files with what services print."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt

from rpx.config.settings.values import Size
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.model.own_settings import Logs


class LogsWritten(Written):
    """`logs`."""

    example = "logs: {max_size: 10mb}"
    nouns = (Logs,)

    max_size: Maybe[Annotated[Size, Field(ge=65536)]] = setting(
        "of a service's file; at least 64kb. A full file is set aside, and a new one begun"
    )
    keep: Maybe[Annotated[StrictInt, Field(ge=0, le=100), Kind("0 to 100")]] = setting(
        "how many files that were set aside are kept; 0: none"
    )
