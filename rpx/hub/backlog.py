"""Output that is still to be shown or written: in its order, and bounded for each who prints.

The bound is per speaker, so that one who floods loses lines of its own and nobody else's.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque

import trio

from rpx.model.status import Printed

LIMIT = 1 << 20  # bytes of each speaker; a reader who is so far behind reads no more
OVERHEAD = 200  # bytes: short lines cost memory, too


class Backlog:
    """A sink of a bus. Any number of tasks print into it, one takes out."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._count = 0
        self._waiting: OrderedDict[int, Printed] = OrderedDict()
        self._numbers: defaultdict[str, deque[int]] = defaultdict(deque)
        self._held: Counter[str] = Counter()
        self._missed: Counter[str] = Counter()
        self._more = trio.Event()

    def put(self, printed: Printed) -> None:
        """Append a chunk; the oldest of the same speaker go if they no longer fit."""
        who, numbers = printed.label, self._numbers[printed.label]
        self._count += 1
        self._waiting[self._count] = printed
        numbers.append(self._count)
        self._held[who] += len(printed.text) + OVERHEAD
        while self._held[who] > self._limit and len(numbers) > 1:
            oldest = self._waiting.pop(numbers.popleft())
            self._held[who] -= len(oldest.text) + OVERHEAD
            self._missed[who] += oldest.text.count(b"\n")
        self._more.set()

    async def wait(self) -> None:
        """Wait until there is something to take."""
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            self._more = trio.Event()
            await self._more.wait()

    def take(self, size: int) -> list[Printed]:
        """Take the oldest chunks, until they are `size` bytes or more."""
        chunks: list[Printed] = []
        while self._waiting and size > 0:
            _, printed = self._waiting.popitem(last=False)
            self._numbers[printed.label].popleft()
            self._held[printed.label] -= len(printed.text) + OVERHEAD
            size -= len(printed.text)
            chunks.append(printed)
        return chunks

    def take_missed(self) -> list[tuple[str, int]]:
        """Who has lost how many lines since the last call."""
        missed = list(self._missed.items())
        self._missed.clear()
        return missed
