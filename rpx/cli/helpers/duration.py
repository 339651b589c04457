"""A duration on the command line."""

from __future__ import annotations

from rpx.config.duration import parse_duration
from rpx.errors import UsageError


def seconds(option: str, text: str) -> float:
    """Return the seconds that `10s`, `500ms` or `1m30s` are. Raises: UsageError."""
    try:
        return parse_duration(text, 1.0)
    except ValueError as error:
        raise UsageError(
            f"`{option}` {error}: {text}", hint="for example 10s, 500ms or 1m30s"
        ) from None
