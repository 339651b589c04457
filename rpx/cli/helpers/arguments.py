"""Words of a command line as values: durations, and numbers of copies (`api=3`)."""

from __future__ import annotations

from collections.abc import Iterable

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


def copies(services: Iterable[str]) -> dict[str, int]:
    """Copies by service, from `NAME=COPIES`. Raises: UsageError."""
    found: dict[str, int] = {}
    for text in services:
        name, equals, count = text.partition("=")
        if not (name and equals and count.isascii() and count.isdigit()):
            raise UsageError(
                f"`{text}` is not a service and a number of copies",
                hint=f"for example `{name or 'api'}=3`",
            )
        if found.setdefault(name, int(count)) != int(count):
            raise UsageError(f"`{name}` is there twice, with different numbers")
    return found
