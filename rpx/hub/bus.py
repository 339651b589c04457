"""Fan-out of events. Publishing never waits; a slow listener is told how much it missed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

import trio

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """Takes what is published, at once, and never fails."""

    def put(self, item: T_contra, /) -> None: ...


class Subscription(Generic[T]):
    """Iterate with `async for`. Not an async generator: those leak when a loop is left early.

    `missed` counts what was dropped, oldest first, because the listener was slow.
    """

    def __init__(self, depth: int) -> None:
        self._queue: deque[T] = deque(maxlen=depth)
        self._wake = trio.Event()
        self._missed = 0
        self._ended = False

    def put(self, item: T) -> None:
        """Add an item; the oldest goes when the queue is full. Called by the bus."""
        if len(self._queue) == self._queue.maxlen:
            self._missed += 1
        self._queue.append(item)
        self._wake.set()

    def take_missed(self) -> int:
        """Return how many items were dropped since the last call."""
        missed, self._missed = self._missed, 0
        return missed

    def take(self) -> list[T]:
        """Return all that waits in the queue, without waiting."""
        items = list(self._queue)
        self._queue.clear()
        return items

    def end(self) -> None:
        """Nothing more will come: an iteration ends once it has what is in the queue."""
        self._ended = True
        self._wake.set()

    def __aiter__(self) -> Subscription[T]:
        return self

    async def __anext__(self) -> T:
        await trio.lowlevel.checkpoint()
        while not self._queue:  # looked at last: another task may have taken all meanwhile
            if self._ended:
                raise StopAsyncIteration
            self._wake = trio.Event()
            await self._wake.wait()
        return self._queue.popleft()


class Bus(Generic[T]):
    """One kind of news, any number of listeners, each told in the order in which they came."""

    def __init__(self) -> None:
        self._sinks: list[Sink[T]] = []
        self._ended = False

    def publish(self, item: T) -> None:
        """Hand `item` to every listener. Never waits."""
        for sink in self._sinks:
            sink.put(item)

    @contextmanager
    def feed(self, sink: Sink[T]) -> Iterator[None]:
        """Put what is published from now on into `sink`."""
        self._sinks.append(sink)
        try:
            yield
        finally:
            self._sinks.remove(sink)

    def end(self) -> None:
        """End every iteration over what is published here, now and from now on."""
        self._ended = True
        for sink in self._sinks:
            if isinstance(sink, Subscription):
                sink.end()

    @contextmanager
    def subscribe(self, depth: int = 256) -> Iterator[Subscription[T]]:
        """Receive what is published from now on, `depth` items at most in waiting."""
        subscription: Subscription[T] = Subscription(depth)
        if self._ended:
            subscription.end()
        with self.feed(subscription):
            yield subscription
