"""What is still to be printed: in the order of time, and bounded for each who has something to say.

The bound is per speaker, so that one who floods loses lines of its own and nobody else's.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from heapq import heappop, heappush, heapreplace
from typing import Generic, TypeVar

from rpx.hub.bus import Subscription

T = TypeVar("T")
LIMIT = 1 << 20  # bytes of each speaker; a console that is so far behind is read by nobody
OVERHEAD = 100  # bytes: short lines cost memory, too


class Backlog(Generic[T]):
    """Takes from a subscription at once, so that nothing is lost there; gives when asked."""

    def __init__(
        self, source: Subscription[T], describe: Callable[[T], tuple[str, int, float | None]]
    ) -> None:
        """`describe` tells who said an item, how large it is, and when it happened.

        None for the time: it happened when the item before it did.
        """
        self._source = source
        self._describe = describe
        self._queues: dict[str, deque[tuple[float, int, T]]] = {}
        self._held: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        # The time of each queue's first item, and whose queue it is. Where items were dropped it
        # is too early until `_settle` has seen it.
        self._heads: list[tuple[float, str]] = []
        self._latest = 0.0

    def put(self, item: T) -> None:
        """Append an item; the oldest of the same speaker go if they no longer fit."""
        who, size, at = self._describe(item)
        self._latest = at or self._latest
        queue = self._queues.setdefault(who, deque())
        if not queue:
            heappush(self._heads, (self._latest, who))
        queue.append((self._latest, size + OVERHEAD, item))
        self._held[who] += size + OVERHEAD
        while self._held[who] > LIMIT and len(queue) > 1:
            self._held[who] -= queue.popleft()[1]
            self._missed[who] += 1

    def fetch(self) -> None:
        """Take over what waits in the subscription."""
        for item in self._source.take():
            self.put(item)
        if missed := self._source.take_missed():
            self._missed[""] += missed

    @property
    def next_at(self) -> float:
        """When the oldest item happened; never, if there is none."""
        return self._settle() if self._heads else math.inf

    def take(self) -> T:
        """The oldest item. There must be one."""
        self._settle()
        _, who = self._heads[0]
        queue = self._queues[who]
        _, size, item = queue.popleft()
        self._held[who] -= size
        if queue:
            heapreplace(self._heads, (queue[0][0], who))
        else:
            heappop(self._heads)
        return item

    def take_missed(self) -> list[tuple[str, int]]:
        """Who has lost how many items since the last call; an empty name where nobody knows who."""
        missed = list(self._missed.items())
        self._missed.clear()
        return missed

    def __bool__(self) -> bool:
        return bool(self._heads)

    def _settle(self) -> float:
        """Bring the oldest item to the top; when it happened."""
        while True:
            at, who = self._heads[0]
            first = self._queues[who][0][0]
            if at == first:
                return at
            heapreplace(self._heads, (first, who))
