"""Numbers of copies as they are written on the command line: `api=3`."""

from __future__ import annotations

from collections.abc import Iterable

from rpx.errors import UsageError


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
