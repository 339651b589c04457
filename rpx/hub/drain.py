"""From a backlog to something that may block: batch by batch, in a worker thread."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

from rpx.hub.backlog import Backlog

LAST = 1.0  # seconds that a terminal or disk gets for the final lines
T = TypeVar("T")


async def drain(
    backlog: Backlog,
    batch: Callable[[], list[T]],
    write: Callable[[list[T]], bool],
    nap: float = 0.0,
) -> None:
    """Write until cancelled, and then what is left, for LAST seconds at most.

    `batch` takes what is next from the backlog, if anything is left. `write` may block; when it
    returns False nobody wants more. `nap`: seconds between two writes.
    """
    pen = _Pen(write)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pen.lose_patience_at_the_end)
            while True:
                await backlog.wait()
                await pen.put(batch())
                await trio.sleep(nap)
    finally:
        while chunks := batch():
            await pen.put(chunks)  # shielded, and bounded by LAST


class _Pen(Generic[T]):
    def __init__(self, write: Callable[[list[T]], bool]) -> None:
        self._write = write
        self._closed = False
        self._deadline = math.inf  # of writing, once the end has come
        self._writing = trio.CancelScope()

    async def put(self, chunks: list[T]) -> None:
        """Write in a thread: a terminal that was stopped with Ctrl-S blocks nothing else.

        Shielded, so that one write ends before the next begins. A write that is still stuck when
        its time is over is the last one.
        """
        if self._closed or not chunks:
            return
        with trio.CancelScope(shield=True, deadline=self._deadline) as self._writing:
            open_still = await trio.to_thread.run_sync(self._write, chunks, abandon_on_cancel=True)
            self._closed = not open_still
        self._closed |= self._writing.cancelled_caught

    async def lose_patience_at_the_end(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._deadline = self._writing.deadline = trio.current_time() + LAST
