"""A host of rpx's own, and the program within rpx that answers there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

# As ASGI has them (asgi.readthedocs.io, HTTP 2.4).
Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


@dataclass(frozen=True, slots=True)
class OwnHost:
    """Requests for `host`, which no proxy has, are answered by `application`."""

    host: str
    application: Application
