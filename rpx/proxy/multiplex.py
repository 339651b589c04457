"""One HTTP/2 connection: many requests at once, each with an exchange of its own.

The session knows the protocol. Here it gets what comes; the outlet writes what it has to say to
that, and what the streams have. One coroutine reads, one writes, and each stream has one.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import trio

from rpx.http.fields import Asked, Malformed
from rpx.http.fields_memory import FieldsMemory
from rpx.http.forwarded import Forwarding
from rpx.http.frames import (
    LATEST,
    NO_ERROR,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    ConnectionFault,
)
from rpx.http.hpack import Fields
from rpx.http.server_session import ServerSession
from rpx.http.stream_state import NOBODY, StreamState
from rpx.hub.error_boundary import contain_errors
from rpx.proxy.gate import Gate
from rpx.proxy.inlet import Renaming
from rpx.proxy.outlet import WIDE, WIDER, WINDOW, Outlet
from rpx.proxy.shared import SharedState
from rpx.proxy.sockets import Wire
from rpx.proxy.stream import Stream
from rpx.proxy.stream_wire import StreamWire
from rpx.proxy.wire import NEVER, BackendWire, Cut, Nudged, WireCut

STREAMS: Final = 100  # at the same time; what browsers take for granted
TURN: Final = 131072  # bytes that are read before those whom they are for have their turn
AGAIN: Final = 0.1  # seconds until a reader that wasn't waiting is told again
LINGER: Final = 2.0  # seconds to read what is still coming, as for HTTP/1.1
_DRAINED: Final = b"drained?"  # of the PING between two GOAWAYs


class Multiplex:
    """What is known of one client, its wire, and its streams by number."""

    def __init__(
        self,
        shared: SharedState,
        wire: Wire,
        peer: Forwarding,
        *,
        surplus: bool = False,
        named: str | None = None,
        renaming: Renaming | None = None,
        ahead: bytes = b"",
    ) -> None:
        """`surplus`, `named` and `renaming` are as for `Client`. `ahead` has been read already."""
        self.shared = shared
        self.wire = wire
        self.peer = peer
        self.surplus = surplus
        self.named = named
        self._renaming = renaming
        self._ahead = ahead
        self.upstream: BackendWire | None = None  # those of the streams are looked at with them
        self.seen = 2
        self._streams: dict[int, Stream] = {}
        self._new: list[Stream] = []  # to begin when all that has come is taken
        head = shared.settings.limits.head
        self._session = ServerSession(
            self,
            trio.current_time(),
            head=head,
            window=WINDOW,
            # As much as all streams together, so that none can keep the others from sending.
            total=STREAMS * WINDOW + WIDE * WIDER,
            streams=STREAMS,
        )
        self._memory = FieldsMemory()
        self._outlet = Outlet(wire, self._session, 2 * head, shared.reactor)
        self._ended = Gate(shared.reactor)  # the last stream has
        self._last = LATEST  # stream that is answered
        self._taken = 0  # bytes in this turn
        self._leaving = False
        self._knows = False  # our settings
        self._idle_by = NEVER  # when it will have been idle for too long

    async def serve(self) -> None:
        """Serve the client until one of us closes."""
        self.shared.sweeper.add(self)
        try:
            self._rest()
            await self.shared.reactor.both(self._converse, self._outlet.write)
        finally:
            self.shared.sweeper.connections.discard(self)
            self.wire.close()

    def leave_if_idle(self) -> None:
        """rpx goes down: streams under way may end, and no more are taken."""
        self._leaving = True
        if not self._streams or self._outlet.over:
            self._end()
            return
        # RFC 9113 §6.8: a client has to know, before a number is named, what it may not send.
        self._session.say_ping(_DRAINED)
        self._outlet.goaway(self._last, NO_ERROR)
        for stream in list(self._streams.values()):
            stream.leave()

    def cut(self, why: Cut) -> None:
        """It has been idle for too long; or told to go, and does not."""
        if self._outlet.over or why is Cut.UNREAD:
            self.wire.deadline = NEVER
            self.wire.cut(why)
        else:
            self._leaving = True
            self._end()

    @property
    def tunnel(self) -> bool:
        """Nothing but tunnels is under way."""
        return bool(self._streams) and all(each.tunnel for each in self._streams.values())

    def watch(self) -> None:
        """Reading tells who leaves."""

    def left(self) -> None:
        """Likewise."""

    # ---- reading

    async def _converse(self) -> None:
        """Read until one of us leaves; return when all streams have ended."""
        try:
            await self._read()
        finally:
            for stream in self._new:
                stream.left()
                self._finish(stream)
            self._outlet.finish()
            self.wire.deadline = self.shared.sweeper.now + LINGER
            for stream in list(self._streams.values()):
                stream.left()
        while self._streams:
            await self._ended.wait()

    async def _read(self) -> None:
        """Read until one of us leaves, then say so."""
        session = self._session
        try:
            while not self._leaving or self._streams:
                try:
                    data = await self._received()
                except Nudged:
                    continue
                if not data and not session.more:
                    break
                session.feed(data, trio.current_time())
                if self._new and not session.more:
                    self._begin_new()
                self._outlet.reply()
                self._set_deadline()
            self._goaway(NO_ERROR)
        except ConnectionFault as fault:
            self._goaway(fault.code)
        except (OSError, WireCut):
            self.wire.cut(Cut.GONE)  # for the writer to notice

    def _begin_new(self) -> None:
        """Begin streams whose client has not reset them in the same breath: no backend sees them.

        (RFC 9113 §10.5: who resets as fast as it asks, would have backends work for nobody.)
        """
        new, self._new = self._new, []
        for stream in new:
            if not self._dropped(stream):
                work = partial(self._serve, stream)
                self.shared.reactor.begin(contain_errors(self.shared.report, work))

    async def _received(self) -> bytes:
        waiting = self._session.more
        if waiting or self._taken > TURN:
            self._taken = 0
            await self.wire.give_way()
        if waiting:
            return b""
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        data = await self.wire.receive()
        self._taken += len(data)
        return data

    def _rest(self) -> None:
        """There are no streams: nobody waits for ever for the next one."""
        self._idle_by = self.shared.sweeper.now + self.shared.settings.timeouts.idle
        self._set_deadline()

    def _set_deadline(self) -> None:
        wire, now = self.wire, self.shared.sweeper.now
        if self._streams:
            wire.deadline = NEVER
        elif self._session.within:
            wire.deadline = min(wire.deadline, now + self.shared.settings.timeouts.head)
        else:
            wire.deadline = self._idle_by

    # ---- what the session tells

    def windows_opened(self) -> None:
        """Streams that wait for a window look again."""
        self._outlet.wake()

    settings_came = windows_opened

    def settings_known(self) -> None:
        """From now on the limit on streams holds for the client."""
        self._knows = True

    def pong_came(self, data: bytes) -> None:
        """It has come to know that we go down: nothing is on its way any more."""
        if data == _DRAINED:
            self._goaway(NO_ERROR)

    def goaway_came(self, last: int, code: int) -> None:
        """It begins no more streams, and those under way go on (RFC 9113 §6.8)."""

    def request_came(self, state: StreamState, fields: Fields) -> None:
        """Take a request, if it is one, and if there aren't too many."""
        number = state.number
        if number > self._last or self._too_many():
            self._session.refuse(state, REFUSED_STREAM)
            return
        try:
            head = self._memory.read(fields, self.shared.settings.heads, ended=state.heard)
        except Malformed:
            self.shared.registry.unrouted.answered(400, 0.0)
            self._session.refuse(state, PROTOCOL_ERROR)
            return
        if not state.heard:
            state.left = head.counted if isinstance(head, Asked) else head.length
        if self.surplus:  # one answer tells it, and then it is not in the way of others
            self._leaving, self._last = True, number
            self._goaway(NO_ERROR)
        stream = self._streams[number] = Stream(
            self.shared,
            self.peer,
            StreamWire(self._outlet, state),
            head,
            surplus=self.surplus,
            named=self.named,
            renaming=self._renaming,
        )
        state.receiver = stream
        self.shared.sweeper.streams.add(stream)
        self._new.append(stream)

    def _too_many(self) -> bool:
        """Whether the client has as many streams as it may: not those that it takes for ended."""
        count = len(self._streams)
        if count >= STREAMS:
            self._new = [each for each in self._new if not self._dropped(each)]
            count = len(self._streams)
        if self._knows and STREAMS <= count < 2 * STREAMS:
            count -= sum(each.gone or each.wire.done for each in self._streams.values())
            return count >= STREAMS
        return count >= 2 * STREAMS

    def _dropped(self, stream: Stream) -> bool:
        """Drop a stream that isn't begun, if its client has reset it already."""
        if stream.gone:
            self._finish(stream)
        return stream.gone

    async def _serve(self, stream: Stream) -> None:
        try:
            await stream.serve()
        finally:
            self._finish(stream)

    def _finish(self, stream: Stream) -> None:
        """A stream is over, for us: let the client know if that isn't said yet."""
        wire = stream.wire
        del self._streams[wire.stream.number]
        self.shared.sweeper.streams.discard(stream)
        while wire.at_hand():  # the client may send as much on other streams
            pass
        self._outlet.close(wire, told=stream.gone)
        wire.stream.receiver = NOBODY
        if stream.parting and not self._leaving:
            self.leave_if_idle()
        if not self._streams:
            self._ended.let_on()
            self._rest()
            if self._leaving:
                self._end()

    def _goaway(self, code: int) -> None:
        """Name the last stream that is answered: never a later one than before (RFC 9113 §6.8)."""
        self._last = min(self._last, self._session.last)
        self._outlet.goaway(self._last, code)

    def _end(self) -> None:
        """Nothing is under way: the reader is to leave. (If it isn't waiting, it's told again.)"""
        self.wire.deadline = self.shared.sweeper.now + AGAIN
        self.wire.nudge()
