"""What many want to know of this machine at about the same time is looked up once for all of them.

A look at all sockets or processes takes milliseconds. A hundred services that start together would
take a look each, several times a second.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection
from typing import Generic, TypeVar

from rpx.backend.listening import Socket, every_socket
from rpx.backend.processes import trees

T = TypeVar("T")


class Shared(Generic[T]):
    """The result of `look`, which is taken again where the last one is too old."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._found: T | None = None
        self._at = -math.inf

    def recent(self, seconds: float) -> T:
        """What was there at most so many seconds ago. Blocks."""
        with self._lock:
            if self._found is None or time.monotonic() - self._at > seconds:
                self._found = self._look()
                self._at = time.monotonic()
            return self._found


class Looks:
    """Looks at every socket, and at every process of a project whose leaders `leaders` gives."""

    def __init__(self, leaders: Callable[[], Collection[int]]) -> None:
        self.sockets = Shared[list[Socket]](every_socket)
        self._trees = Shared[dict[int, set[int]]](lambda: trees(leaders()))

    def tree(self, leader: int | None, seconds: float) -> set[int]:
        """The processes of a leader's instance, as of at most so many seconds ago. Blocks."""
        return self._trees.recent(seconds).get(leader or 0, set())
