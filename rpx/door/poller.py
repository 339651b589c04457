"""Waiting for many sockets at once: epoll, or kqueue where there is none; and for a time."""

from __future__ import annotations

import heapq
import select
import sys
import time

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

# What can be waited for, and what is told of it; the numbers are epoll's.
READABLE: Final = 0x001
WRITABLE: Final = 0x004
GONE: Final = 0x008 | 0x010 | 0x2000  # an error, the end of both directions, the end of theirs


if sys.platform == "linux":

    class Poller:
        """Which descriptors have something to tell."""

        def __init__(self) -> None:
            self._epoll = select.epoll()

        def watch(self, fd: int, *, writable: bool = False) -> None:
            """Tell of it for as long as it is readable, or writable as well."""
            self._epoll.register(fd, READABLE | (WRITABLE if writable else 0))

        def watch_edge(self, fd: int, *, writable: bool = False) -> None:
            """Tell of it once for each time that something comes, beginning with what is there.

            Whoever peeks leaves what has come: without the edge that would be told of forever.
            """
            bits = READABLE | select.EPOLLRDHUP | select.EPOLLET
            self._epoll.register(fd, bits | (WRITABLE if writable else 0))

        def change(self, fd: int, *, writable: bool) -> None:
            """Tell of a watched one that it is writable, or no more."""
            self._epoll.modify(fd, READABLE | (WRITABLE if writable else 0))

        def change_edge(self, fd: int) -> None:
            """Tell of one that is watched for its edge when it is writable as well."""
            bits = READABLE | WRITABLE | select.EPOLLRDHUP | select.EPOLLET
            self._epoll.modify(fd, bits)

        def forget(self, fd: int) -> None:
            """Tell of it no more. Before it is closed: else it is told of while others have it."""
            try:
                self._epoll.unregister(fd)
            except (FileNotFoundError, ValueError, OSError):
                pass  # it was not watched

        def wait(self, seconds: float) -> Iterable[tuple[int, int]]:
            """Return (fd, what) for what there is to tell, after so many seconds at the latest."""
            return self._epoll.poll(seconds)

else:

    class KqueuePoller:
        """The same with kqueue."""

        def __init__(self) -> None:
            self._queue = select.kqueue()

        def watch(self, fd: int, *, writable: bool = False) -> None:
            """See above, as for all of these."""
            self._set(fd, select.KQ_FILTER_READ, select.KQ_EV_ADD)
            if writable:
                self._set(fd, select.KQ_FILTER_WRITE, select.KQ_EV_ADD)

        def watch_edge(self, fd: int, *, writable: bool = False) -> None:
            self._set(fd, select.KQ_FILTER_READ, select.KQ_EV_ADD | select.KQ_EV_CLEAR)
            if writable:
                self.change_edge(fd)

        def change(self, fd: int, *, writable: bool) -> None:
            self._set(
                fd, select.KQ_FILTER_WRITE, select.KQ_EV_ADD if writable else select.KQ_EV_DELETE
            )

        def change_edge(self, fd: int) -> None:
            self._set(fd, select.KQ_FILTER_WRITE, select.KQ_EV_ADD | select.KQ_EV_CLEAR)

        def forget(self, fd: int) -> None:
            for which in (select.KQ_FILTER_READ, select.KQ_FILTER_WRITE):
                self._set(fd, which, select.KQ_EV_DELETE)

        def wait(self, seconds: float) -> Iterable[tuple[int, int]]:
            found = self._queue.control(None, 64, seconds if seconds >= 0 else None)
            for event in found:
                bits = READABLE if event.filter == select.KQ_FILTER_READ else WRITABLE
                yield event.ident, bits | (GONE if event.flags & select.KQ_EV_EOF else 0)

        def _set(self, fd: int, which: int, flags: int) -> None:
            try:
                self._queue.control([select.kevent(fd, which, flags)], 0)
            except OSError:
                if flags != select.KQ_EV_DELETE:
                    raise  # else it was not watched

    Poller = KqueuePoller


class Timers:
    """What is to be done later."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0

    def after(self, seconds: float, do: Callable[[], None]) -> None:
        """Do it once, in so many seconds."""
        self._number += 1
        heapq.heappush(self._heap, (time.monotonic() + seconds, self._number, do))

    def next(self) -> float:
        """Return when the first is due, on the monotonic clock; infinity if there is none."""
        return self._heap[0][0] if self._heap else float("inf")

    def run(self, now: float) -> None:
        """Do what is due."""
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[2]()
