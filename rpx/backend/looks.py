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
        self._began = -math.inf

    def recent(self, seconds: float) -> tuple[T, float]:
        """What was there at most so many seconds ago, as `since` gives it. Blocks."""
        return self.since(time.monotonic() - seconds)

    def since(self, moment: float) -> tuple[T, float]:
        """What a look has found that began at `moment` or later, and when it began. Blocks.

        Moments are those of `time.monotonic`.
        """
        with self._lock:
            if self._found is None or self._began < moment:
                began = time.monotonic()
                self._found = self._look()
                self._began = began
            return self._found, self._began


class Looks:
    """Looks at every socket, and at every process of a project whose leaders `leaders` gives."""

    def __init__(self, leaders: Callable[[], Collection[int]]) -> None:
        self.sockets = Shared[list[Socket]](every_socket)
        self._trees = Shared[dict[int, set[int]]](lambda: trees(leaders()))

    def tree(self, leader: int | None, moment: float) -> set[int]:
        """The processes of a leader's instance, as of that moment or later. Blocks.

        With the moment of a look at the sockets nobody is missed who had begun to listen by then.
        """
        found, _ = self._trees.since(moment)
        if leader is not None and leader not in found:  # it was not known as one yet
            found, _ = self._trees.since(math.inf)
        return found.get(leader or 0, set())
