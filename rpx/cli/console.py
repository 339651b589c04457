"""The console of `rpx up`: a face that prints what backends print and what becomes of them.

It never holds up the supervisor: lines are collected in bounded backlogs, and written batch by
batch in a worker thread. A terminal that stands still costs lines, which are counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

import trio

from rpx.cli.backlog import Backlog
from rpx.cli.screen import Layout
from rpx.cli.sentences import Teller, stopping, waiting
from rpx.hub.bus import Subscription
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.hub.walls import walled
from rpx.model.status import Event, Line, Note, StateChanged

DEPTH = 100_000  # lines: what some children's pipes (16 KiB at a time) hold if they are empty ones
BATCH = 1000  # lines: rendering them takes 1 ms, and requests wait meanwhile
LAST_FLUSH = 1.0  # seconds that a terminal gets for the final lines
TICK = 1.0  # seconds between two reports of the same kind

T = TypeVar("T")
Write = Callable[[list[bytes]], bool]  # may block; False: nobody reads any more
Report = Callable[[ExceptionGroup[Exception]], None]


class Console:
    """A `Face` of rpx.app that writes with `write`, in a thread."""

    def __init__(self, write: Write, report: Report, *, colour: bool) -> None:
        self._write = write
        self._report = report
        self._colour = colour

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with (
            registry.events.subscribe(DEPTH) as events,
            registry.lines.subscribe(DEPTH) as lines,
        ):
            task_status.started()
            printer = Printer(registry, events, lines, self._write, colour=self._colour)
            await walled(self._report, printer.run, shutdown)


class Printer:
    """One run's two backlogs, merged by time."""

    def __init__(
        self,
        registry: Registry,
        events: Subscription[Event],
        lines: Subscription[Line],
        write: Write,
        *,
        colour: bool,
    ) -> None:
        self._registry = registry
        self._write = write
        self._subscriptions = (events, lines)
        self._events = Backlog(events, _described)
        self._lines = Backlog(lines, lambda line: (line.label, len(line.text), line.at))
        rows = registry.snapshot()
        self._layout = Layout([(row.name, row.label) for row in rows], colour=colour)
        self._teller = Teller(registry)
        self._more = trio.Event()
        self._complained = -math.inf  # when it was last said that lines are missing
        self._closed = False
        self._deadline = math.inf  # of writing, once the end has come
        self._writing = trio.CancelScope()

    async def run(self, shutdown: Shutdown) -> None:
        """Print until cancelled, and then what is left."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._feed, self._events, self._subscriptions[0])
                nursery.start_soon(self._feed, self._lines, self._subscriptions[1])
                nursery.start_soon(self._lose_patience_at_the_end)
                nursery.start_soon(goodbye, self._registry, shutdown, self._say)
                await self._put([self._layout.own(text) for text in self._teller.overview()])
                while True:
                    await self._more.wait()
                    self._more = trio.Event()
                    while self._events or self._lines:
                        # One turn for the feeds: what a backend printed before it ended must not
                        # come after the news of its end.
                        await trio.lowlevel.checkpoint()
                        await self._put(self._batch())
        finally:
            self._events.fetch()  # only now: a subscription has one taker at a time
            self._lines.fetch()
            while batch := self._batch():
                await self._put(batch)  # shielded, and bounded by LAST_FLUSH
            if shutdown.asked:
                await self._put([self._layout.own("stopped")])

    async def _feed(self, backlog: Backlog[T], news: Subscription[T]) -> None:
        async for item in news:
            backlog.put(item)
            backlog.fetch()
            self._more.set()

    def _say(self, text: str) -> None:
        self._events.put(Note(text))
        self._more.set()

    def _batch(self) -> list[bytes]:
        """The next lines to write, in the order in which they happened; empty if all is said."""
        pieces = self._missing()
        while len(pieces) < BATCH and (self._events or self._lines):
            if self._lines.next_at <= self._events.next_at:
                line = self._lines.take()
                pieces.append(self._layout.output(line.label, line.text))
            else:
                told = self._teller.tell(self._events.take())
                pieces += [self._layout.own(text) for text in told]
        return pieces

    def _missing(self) -> list[bytes]:
        """How many lines were left out, once a second."""
        now = trio.current_time()
        if now - self._complained < TICK:
            return []
        missed = self._lines.take_missed() + self._events.take_missed()
        if missed:
            self._complained = now
        return [
            self._layout.own(f"{count} lines{f' of {who}' if who else ''} came too fast to show")
            for who, count in missed
        ]

    async def _put(self, pieces: list[bytes]) -> None:
        """Write in a thread: a terminal that was stopped with Ctrl-S blocks nothing else.

        Shielded, so that one write ends before the next begins. A write that is still stuck when
        its time is over is the last one.
        """
        if self._closed or not pieces:
            return
        with trio.CancelScope(shield=True, deadline=self._deadline) as self._writing:
            open_still = await trio.to_thread.run_sync(self._write, pieces, abandon_on_cancel=True)
            self._closed = not open_still
        self._closed |= self._writing.cancelled_caught

    async def _lose_patience_at_the_end(self) -> None:
        try:
            await trio.sleep_forever()
        finally:
            self._deadline = self._writing.deadline = trio.current_time() + LAST_FLUSH


async def goodbye(
    registry: Registry,
    shutdown: Shutdown,
    say: Callable[[str], None],
    clock: Callable[[], float] = time.time,
) -> None:
    """Once the end was asked for: say each second who is still being waited for."""
    await shutdown.wait()
    say(stopping(registry))
    while True:
        await trio.sleep(TICK)
        for text in waiting(registry, clock(), hurried=shutdown.patience.lost):
            say(text)


def _described(event: Event) -> tuple[str, int, float | None]:
    if isinstance(event, StateChanged):
        return "rpx", len(event.reason), event.at
    return "rpx", 80, None  # it happened when the event before it did
