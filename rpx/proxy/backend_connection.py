"""A connection of HTTP/2 to a backend, which many requests share.

One coroutine reads it and one writes, as for a client's (multiplex.py); its streams are woken by
what the session tells them. It is there for requests once its backend has said its settings: how
many streams it takes, and that it speaks HTTP/2 at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from rpx.http.client_session import ClientSession
from rpx.http.frames import ConnectionFault
from rpx.http.memory import ResponseMemory
from rpx.http.protocols import spoken
from rpx.policy.protocol_hints import HTTP_2, speaks
from rpx.proxy.backend_stream import BackendStream
from rpx.proxy.outlet import WIDE, WIDER, WINDOW, Outlet
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import Wire
from rpx.proxy.wire import Cut, WireCut

STREAMS: Final = 100  # at the same time: the windows of so many are what a backend may send at once
TURN: Final = 131072  # bytes that are read before those whom they are for have their turn


class OtherProtocol(ConnectionError):
    """Who listens there doesn't speak HTTP/2. The text says what instead, if that is known."""


class BackendConnection:
    """One connection, until either side has enough of it.

    `ready`: it can be used, or never will be; `fault` says which. `leaving`: nothing new begins on
    it. `since`: when its last request was over (trio's clock).
    """

    def __init__(
        self,
        wire: Wire,
        reactor: Reactor,
        scheme: bytes,
        *,
        head: int,
        keeps: Callable[[], float],
    ) -> None:
        """`scheme` is what requests on it have. `head`: bytes that an answer's may have. `keeps`
        gives the seconds that it may be at rest.
        """
        self.wire = wire
        self.reactor = reactor
        self.seat = wire.seat
        self.scheme = scheme
        self.memory = ResponseMemory()
        self.since = trio.current_time()
        # As much as all streams together, so that none can keep the others from sending.
        total = STREAMS * WINDOW + WIDE * WIDER
        self.session = ClientSession(self, self.since, head=head, window=WINDOW, total=total)
        self.outlet = Outlet(wire, self.session, head, reactor)
        self.ready = trio.Event()
        self.fault: OSError | None = None
        self.leaving = False
        self._keeps = keeps
        self._used = False  # a request has been answered
        self._under_way = 0
        self._heard = b""  # the first bytes

    @property
    def at_rest(self) -> bool:
        """Nothing is under way."""
        return not self._under_way

    @property
    def has_room(self) -> bool:
        """Whether another request can begin now."""
        if self.leaving or not self.ready.is_set():
            return False
        # Those that are about to begin count, too.
        most = min(STREAMS, self.session.spare + len(self.session.streams))
        return self._under_way < most

    def stream(self) -> BackendStream:
        """Return what carries another request; there has to be room."""
        self._under_way += 1
        return BackendStream(self, used=self._used, rested=self._under_way == 1)

    def left(self) -> None:
        """A request on it is over."""
        self._under_way -= 1
        self._used = True
        self.since = trio.current_time()
        if not self._under_way and (self.leaving or not self._keeps()):
            self.close()

    def leave(self) -> None:
        """Let what is under way end, and begin nothing more."""
        self.leaving = True
        if not self._under_way:
            self.close()

    def close(self) -> None:
        """End it now."""
        self.leaving = True
        if not self.outlet.over:
            self.outlet.over = True
            self.wire.take_leave()
            self.wire.cut(Cut.DRAINED)

    async def serve(self) -> None:
        """Carry requests until the connection ends."""
        try:
            await self.reactor.both(self._converse, self.outlet.write)
        finally:
            self._end()
            self.seat.seats.leave(self.seat)
            self.wire.close()

    async def _converse(self) -> None:
        """Read until the backend ends it, or errs, or we do."""
        try:
            await self._take_all()
        except ConnectionFault as fault:
            self._end()
            self.outlet.goaway(0, fault.code)
            await self.wire.give_way()  # let it be written
        except (OSError, WireCut):
            pass
        self._end()
        self.outlet.finish()
        self.wire.cut(Cut.GONE)

    def _end(self) -> None:
        """It carries nothing more: whoever has a request on it is told."""
        self.leaving = True
        if self.fault is None:
            settled = self.ready.is_set()
            self.fault = ConnectionResetError() if settled else _fault(self._heard)
        self.ready.set()
        self.outlet.wake()  # also those that have not begun, and wait for their turn
        for state in list(self.session.streams.values()):
            lost = state.receiver
            if isinstance(lost, BackendStream):
                lost.lost()

    # ---- reading

    async def _take_all(self) -> None:
        session, wire, taken = self.session, self.wire, 0
        while True:
            if session.more or taken > TURN:
                taken = 0
                await wire.give_way()
            data = b"" if session.more else await wire.receive()
            if not data and not session.more:
                return
            taken += len(data)
            if not self.ready.is_set():
                self._heard += data[:64]
            session.feed(data, trio.current_time())
            self.outlet.reply()

    # ---- what the session tells

    def windows_opened(self) -> None:
        """Let those who wait to send look up."""
        self.outlet.wake()

    def settings_came(self) -> None:
        """It can be used; or windows are others by now."""
        self.ready.set()
        self.outlet.wake()

    def settings_known(self) -> None:
        """Ours have no effect that is waited for."""

    def pong_came(self, data: bytes) -> None:
        """Nobody has asked."""

    def goaway_came(self, last: int, code: int) -> None:  # noqa: ARG002 - as SessionUser
        """The backend takes no more: what it has not seen is told so by the session."""
        self.leave()


def _fault(heard: bytes) -> OSError:
    """What is wrong with somebody who says that instead of settings; nothing: it has just ended."""
    return OtherProtocol(speaks(spoken(heard), HTTP_2)) if heard else ConnectionResetError()
