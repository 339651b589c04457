"""The last items of a bus with their numbers, for readers who come back where they have left."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import trio

T = TypeVar("T")


class Recent(Generic[T]):
    """A sink of a bus: keeps the last `depth` items, and numbers all from 1."""

    def __init__(self, depth: int) -> None:
        self._items: deque[T] = deque(maxlen=depth)
        self._more = trio.Event()
        self.last = 0  # the number of the newest item

    def put(self, item: T) -> None:
        """Keep an item; the oldest one goes when there are `depth`. Called by the bus."""
        self._items.append(item)
        self.last += 1
        self._more.set()

    async def wait(self, number: int) -> None:
        """Wait until there is an item after that of this number."""
        await trio.lowlevel.checkpoint()
        while self.last <= number:
            self._more = trio.Event()
            await self._more.wait()

    def after(self, number: int) -> tuple[int, list[tuple[int, T]]]:
        """How many items after that of this number have gone already, and those that are kept."""
        oldest = self.last - len(self._items) + 1
        begin = max(oldest, number + 1)
        kept = list(enumerate(self._items, oldest))[begin - oldest :]
        return begin - number - 1, kept
