"""Resumes connections as their sockets become ready, without a trio task for each.

A trio task that waits for a socket costs a system call to arm it and a trip through the scheduler.
So a connection is a plain coroutine here, and no task: one trio task polls all sockets, which are
registered once, edge-triggered, and resumes the coroutine that waits (docs/adr/0011 has figures).

Such a coroutine reads like any other, but trio knows nothing of it. Cancel scopes, nurseries,
events and sleeps belong inside `async with reactor.task():`, where a trio task carries it on.
Without epoll (macOS) a trio task carries it all the time, and nothing else is different.
"""

from __future__ import annotations

import os
import select
import types
from collections import deque
from collections.abc import Generator
from types import TracebackType
from typing import Any, Final

import trio
from trio.lowlevel import checkpoint, wait_readable, wait_writable

from rpx.proxy.coroutines import HAND_OVER, TAKE_BACK, Beside, Coro, Polled, Work, yield_trap

MOMENT: Final = 0.005  # seconds that `readable_soon` waits
AT_ONCE: Final = 1024  # sockets looked at in one turn; then trio's own tasks have theirs
MOST_DUE: Final = 128  # coroutines resumed behind that, which may wake each other

if hasattr(select, "epoll"):
    _IN: Final = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _END: Final = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _OUT: Final = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR


class Reactor:
    """Drives coroutines. `resuming`: the code that asks runs in one, and not in a trio task;
    `current`: in which.
    """

    def __init__(self) -> None:
        self.resuming = self._late = False  # the latter: since a moment has ended
        self.current: Any = None
        self._live: set[Coro] = set()  # also those that a trio task carries at the moment
        self._due: deque[Coro] = deque()  # to be resumed at the end of this turn, or in the next
        self._giving_way: deque[Coro] = deque()  # to be resumed in the next, and not before
        self._wires: dict[int, Polled] = {}  # by file descriptor
        self._moments: deque[tuple[float, Polled]] = deque()  # when each ends, the first one first
        self._turns = 1
        self._tasks: trio.Nursery | None = None
        self._finish = trio.Event()
        self._poll: select.epoll | None = None
        self._bell = -1

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        """Resume coroutines until `finish` was called and the last one has ended."""
        if hasattr(select, "epoll"):
            self._poll = select.epoll()
            self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            # Edge-triggered, so it need not be read: each write is an event of its own.
            self._poll.register(self._bell, select.EPOLLIN | select.EPOLLET)
        async with trio.open_nursery() as tasks:
            self._tasks = tasks
            try:
                task_status.started()
                if self._poll is None:
                    await self._finish.wait()
                else:
                    while self._live or not self._finish.is_set():
                        await self._something(self._poll)
                        if self._turn(self._poll):
                            # What came meanwhile, or was read before it was told of: by way of
                            # trio it would cost ten times as much.
                            self._turn(self._poll)
            finally:
                self._tasks = None  # cancelled: it takes no more

    def begin(self, coroutine: Coro) -> None:
        """Begin a coroutine, and carry it to its first wait. It must not raise."""
        self._live.add(coroutine)
        if self._poll is None:
            self._hand_over(coroutine)
            return
        before = self.resuming, self.current
        self.resuming = True
        try:
            self._resume(coroutine)
        finally:
            self.resuming, self.current = before
        if self._due or self._giving_way:
            self._ring()

    def finish(self) -> None:
        """Let `run` return once no coroutine is left."""
        self._finish.set()
        self._ring()

    def close(self) -> None:
        """End what is left, where it waits, and give the descriptors back."""
        for coroutine in list(self._live):
            coroutine.close()
        self._live.clear()
        if self._poll is not None:
            self._poll.close()
            os.close(self._bell)
            self._poll = None  # nobody is to be woken any more

    # ---- from within a coroutine

    @types.coroutine
    def readable(self, wire: Polled) -> Generator[Any, Any, None]:
        """Wait until `wire` can be read or is closed. Raises: trio.ClosedResourceError."""
        if not self.resuming:
            wire.known_to_trio = True
            yield from wait_readable(wire.sock).__await__()  # noqa: ASYNC105 - a frame less than await
            return
        if not wire.registered:
            self._register(wire)
        if wire.may_read:  # something came while nobody waited
            wire.may_read = wire.ended
            return
        wire.reader = self.current
        yield

    async def readable_soon(self, wire: Polled) -> bool:
        """Like `readable`, but for a moment only: tell whether it came to be."""
        if not self.resuming:
            with trio.move_on_after(MOMENT) as moment:
                await self.readable(wire)
            return not moment.cancelled_caught
        wire.moment = trio.current_time() + MOMENT
        self._moments.append((wire.moment, wire))
        await self.readable(wire)
        wire.moment = 0.0
        return not self._late

    @types.coroutine
    def writable(self, wire: Polled) -> Generator[Any, Any, None]:
        """Wait until `wire` can be written to or is closed. Raises: trio.ClosedResourceError."""
        if not self.resuming:
            wire.known_to_trio = True
            yield from wait_writable(wire.sock).__await__()  # noqa: ASYNC105 - likewise
            return
        if not wire.registered:
            self._register(wire)
        wire.writer = self.current
        yield

    @types.coroutine
    def give_way(self) -> Generator[Any, Any, None]:
        """Let the others have their turn."""
        if not self.resuming:
            yield from checkpoint().__await__()  # noqa: ASYNC105 - likewise
            return
        self._giving_way.append(self.current)
        yield

    @types.coroutine
    def let_pass(self) -> Generator[Any, Any, None]:
        """Let those go first who are due already."""
        if not self.resuming:
            yield from checkpoint().__await__()  # noqa: ASYNC105 - likewise
            return
        self.resume_soon(self.current)
        yield

    def task(self) -> TrioTask:
        """Inside of `async with` this a trio task carries the coroutine: it may use all of trio."""
        return TrioTask(self)

    async def both(self, one: Work, other: Work) -> None:
        """Run both side by side, and return when both have ended; raise what went wrong."""
        if not self.resuming:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(other)
                await one()
            return
        beside = Beside(self.resume_soon, self.current)
        self.begin(beside.run(other))
        await one()
        await beside.end()

    def forget(self, wire: Polled) -> None:
        """`wire` is about to be closed: whoever waits for it shall notice."""
        if wire.registered:
            wire.registered = 0
            del self._wires[wire.sock.fileno()]  # the poll object forgets it by itself
        self.wake(wire)
        if wire.writer is not None:
            self.resume_soon(wire.writer)
            wire.writer = None

    def disown(self, wire: Polled) -> None:
        """`wire` goes to another process: to close it would not take it off the poll object."""
        if wire.registered and self._poll is not None:
            self._poll.unregister(wire.sock.fileno())
            del self._wires[wire.sock.fileno()]
            wire.registered = 0

    def replace(self, old: Polled, new: Polled) -> None:
        """`new`, of the same socket, takes the place of `old`, for which nobody waits."""
        if old.registered:
            self._wires[new.sock.fileno()] = new
            new.registered, old.registered = old.registered, 0
            new.may_read, new.ended = old.may_read, old.ended

    def wake(self, wire: Polled) -> None:
        """Resume the coroutine that waits to read from `wire`, though nothing has come."""
        if wire.reader is not None:
            self.resume_soon(wire.reader)
            wire.reader = None

    # ---- the machinery

    async def _something(self, poll: select.epoll) -> None:
        """Wait for any of the wires, or the end of a moment."""
        moments = self._moments
        while moments and moments[0][1].moment != moments[0][0]:
            moments.popleft()  # it was readable
        if not moments:
            await wait_readable(poll.fileno())
            return
        with trio.move_on_at(moments[0][0]) as wait:
            await wait_readable(poll.fileno())
        if wait.cancelled_caught:
            _, wire = moments.popleft()
            coroutine, wire.reader = wire.reader, None
            if coroutine is not None:
                self.resuming = self._late = True
                self._resume(coroutine)
                self.resuming = self._late = False

    def _turn(self, poll: select.epoll) -> bool:
        """Resume whoever waits for what is there; false: there was nothing."""
        wires, resume = self._wires, self._resume
        turn = self._turns = self._turns + 1
        gave_way, self._giving_way = self._giving_way, deque()
        self.resuming = True
        try:
            for number, events in (found := poll.poll(0, AT_ONCE)):
                wire = wires.get(number)
                # The bell; or closed in this very turn, and its number may be another's by now.
                if wire is None or wire.registered == turn:
                    continue
                if events & _END:  # told once, perhaps together with the last data
                    wire.ended = wire.may_read = True
                if events & _IN:
                    coroutine, wire.reader = wire.reader, None
                    if coroutine is None:
                        wire.may_read = True
                    else:
                        resume(coroutine)
                if events & _OUT and wire.writer is not None:
                    coroutine, wire.writer = wire.writer, None
                    resume(coroutine)
            self._due += gave_way
            self._resume_due()
        finally:
            self.resuming = False
        return bool(found)

    def _resume_due(self) -> None:
        """Resume those who are due, and whom they wake: by way of trio that costs ten times as
        much. But not without end.
        """
        due, left = self._due, MOST_DUE
        while due and left:
            left -= 1
            self._resume(due.popleft())
        if due or self._giving_way:
            os.eventfd_write(self._bell, 1)

    def _resume(self, coroutine: Coro) -> None:
        self.current = coroutine
        try:
            trap = coroutine.send(None)
            while trap is not None and trap is not HAND_OVER:
                trap = coroutine.throw(RuntimeError("trio was used outside of `reactor.task()`"))
        except StopIteration:
            self._live.discard(coroutine)
            return
        if trap is HAND_OVER:
            self._hand_over(coroutine)

    def resume_soon(self, coroutine: Coro) -> None:
        """Resume a coroutine behind what is ready now, from wherever this is called."""
        self._due.append(coroutine)
        self._ring()

    def _hand_over(self, coroutine: Coro) -> None:
        if self._tasks is not None:  # else all is about to be closed
            self._tasks.start_soon(self._carry, coroutine)

    async def _carry(self, coroutine: Coro) -> None:
        await self._relay(coroutine)

    @types.coroutine
    def _relay(self, coroutine: Coro) -> Generator[Any, Any, None]:
        """Be a trio task: pass on what trio and the coroutine have to say to each other."""
        sent = None
        while True:
            try:
                trap = coroutine.send(sent)
            except StopIteration:
                self._live.discard(coroutine)
                self._ring()
                return
            if trap is TAKE_BACK:
                self.resume_soon(coroutine)
                return
            sent = yield trap

    def _register(self, wire: Polled) -> None:
        assert self._poll is not None  # noqa: S101 - only then anything is `resuming`
        number = wire.sock.fileno()
        self._poll.register(number, _IN | _OUT | select.EPOLLET)
        self._wires[number] = wire
        wire.registered = self._turns

    def _ring(self) -> None:
        if self._poll is not None and not self.resuming:
            os.eventfd_write(self._bell, 1)


class TrioTask:
    """The block of Reactor.task. In another, or in what is a trio task already, it does nothing."""

    __slots__ = ("_away", "_reactor")

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._away = False

    async def __aenter__(self) -> None:
        if self._reactor.resuming:
            self._away = True
            await yield_trap(HAND_OVER)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        # What trio has cancelled ends as a task of trio.
        if self._away and (error is None or isinstance(error, Exception)):
            await yield_trap(TAKE_BACK)
