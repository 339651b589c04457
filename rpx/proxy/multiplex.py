"""One HTTP/2 connection: many requests at once, each with an exchange of its own.

h2 knows the protocol. Here it gets what comes; the outlet writes what it has to say to that, and
what the streams have. A trio task reads, one writes, and each stream has one.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import trio
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    PingAckReceived,
    RemoteSettingsChanged,
    RequestReceived,
    SettingsAcknowledged,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings

from rpx.http.fields import HeadEncoder, Malformed, read_fields, read_trailers
from rpx.http.forwarded import Forwarding
from rpx.http.frames import LATEST, Flood, Intake
from rpx.hub.error_boundary import contain_errors
from rpx.proxy.inlet import Renaming
from rpx.proxy.outlet import WIDE, WIDER, WINDOW, Outlet
from rpx.proxy.quiet import quiet
from rpx.proxy.shared import SharedState
from rpx.proxy.sockets import Wire
from rpx.proxy.stream import Stream, StreamWire
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
        self._h2 = H2Connection(
            H2Configuration(
                client_side=False,
                validate_inbound_headers=False,  # ours end a stream, h2's the connection
                normalize_inbound_headers=False,
                validate_outbound_headers=False,  # they are our own
                normalize_outbound_headers=False,
            )
        )
        self._h2.encoder = HeadEncoder()
        quiet(self._h2)
        most = 2 * shared.settings.limits.head  # in between there is an answer, a 431
        self._intake = Intake(most, trio.current_time())
        self._h2.decoder.max_header_list_size = most
        self._outlet = Outlet(wire, self._h2, self._intake, most)
        self._last = LATEST  # stream that is answered
        self._taken = 0  # bytes in this turn
        self._leaving = False
        self._knows = False  # our settings
        self._idle_by = NEVER  # when it will have been idle for too long

    async def serve(self) -> None:
        """Serve the client until one of us closes."""
        self.shared.sweeper.add(self)
        try:
            async with self.shared.reactor.task(), trio.open_nursery() as nursery:
                self._greet()
                nursery.start_soon(self._outlet.write)
                await self._read(nursery)
                for stream in list(self._streams.values()):
                    stream.left()
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
        self._h2.ping(_DRAINED)
        self._outlet.goaway(self._last, ErrorCodes.NO_ERROR)
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

    def _greet(self) -> None:
        """Send the settings; the limit on streams is enforced here, once they are acknowledged.

        h2 would do so at once and with the whole connection (RFC 9113 §5.1.2: a stream error).
        """
        h2 = self._h2
        h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: STREAMS,
                SettingCodes.MAX_HEADER_LIST_SIZE: self.shared.settings.limits.head,
                SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
                SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,
            },
        )
        h2.initiate_connection()
        h2.local_settings.max_concurrent_streams = LATEST
        h2.local_settings.acknowledge()
        h2.max_inbound_frame_size = 2**24 - 1  # frames of data come as one; the intake has bounds
        # As much as all streams together, so that none can keep the others from sending.
        h2.increment_flow_control_window(STREAMS * WINDOW + WIDE * WIDER - 65535)
        self._outlet.tell()
        self._rest()

    async def _read(self, nursery: trio.Nursery) -> None:
        """Read until one of us leaves, then say so."""
        try:
            while not self._leaving or self._streams:
                try:
                    data = await self._received()
                except Nudged:
                    continue
                if not data and not self._intake.waiting:
                    break
                frames = self._intake.feed(data, trio.current_time())
                for event in self._h2.receive_data(frames):
                    self._take(event, nursery)
                self._outlet.reply()
                self._set_deadline()
            self._goaway(ErrorCodes.NO_ERROR)
        except Flood as flood:
            self._goaway(flood.code)
        except ProtocolError:
            self._outlet.amend(self._last)  # h2 has said so
        except (OSError, WireCut):
            self.wire.cut(Cut.GONE)  # for the writer to notice
        self._outlet.finish()
        self.wire.deadline = self.shared.sweeper.now + LINGER

    async def _received(self) -> bytes:
        waiting = self._intake.waiting
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
        elif self._intake.within:
            wire.deadline = min(wire.deadline, now + self.shared.settings.timeouts.head)
        else:
            wire.deadline = self._idle_by

    def _take(self, event: Event, nursery: trio.Nursery) -> None:
        match event:
            case RequestReceived():
                self._begin(event, nursery)
            case DataReceived() | TrailersReceived() | StreamEnded() | StreamReset():
                stream = self._streams.get(event.stream_id)
                if stream is not None:
                    self._pass_on(event, stream)
                elif isinstance(event, DataReceived):
                    self._outlet.credit(event.stream_id, event.flow_controlled_length)
            case WindowUpdated() | RemoteSettingsChanged():
                self._outlet.wake()
            case SettingsAcknowledged():
                self._knows = True
            case PingAckReceived() if event.ping_data == _DRAINED:
                self._goaway(ErrorCodes.NO_ERROR)
            case _:
                pass

    def _pass_on(
        self, event: DataReceived | TrailersReceived | StreamEnded | StreamReset, stream: Stream
    ) -> None:
        match event:
            case DataReceived():
                self._outlet.credit(stream.number, event.flow_controlled_length - len(event.data))
                stream.wire.arrived(event.data)
            case TrailersReceived():
                try:
                    stream.wire.end(read_trailers(event.headers))
                except Malformed:
                    self._refuse(stream.number, ErrorCodes.PROTOCOL_ERROR)
                    stream.left()
            case StreamEnded():
                if not stream.wire.ended:
                    stream.wire.end()
            case StreamReset():
                if not event.remote_reset:
                    self._intake.blame()
                stream.left()

    def _begin(self, event: RequestReceived, nursery: trio.Nursery) -> None:
        number = event.stream_id
        if number > self._last or self._too_many():
            self._refuse(number, ErrorCodes.REFUSED_STREAM)
            return
        try:
            asked = read_fields(event.headers, ended=event.stream_ended is not None)
        except Malformed:
            self.shared.registry.unrouted.answered(400, 0.0)
            self._refuse(number, ErrorCodes.PROTOCOL_ERROR)
            return
        if self.surplus:  # one answer tells it, and then it is not in the way of others
            self._leaving, self._last = True, number
            self._goaway(ErrorCodes.NO_ERROR)
        stream = self._streams[number] = Stream(
            self.shared,
            self.peer,
            StreamWire(self._outlet, number),
            asked,
            surplus=self.surplus,
            named=self.named,
            renaming=self._renaming,
        )
        self.shared.sweeper.streams.add(stream)
        nursery.start_soon(contain_errors, self.shared.report, partial(self._serve, stream))

    def _too_many(self) -> bool:
        """Whether the client has as many streams as it may: not those that it takes for ended."""
        count = len(self._streams)
        if self._knows and STREAMS <= count < 2 * STREAMS:
            count -= sum(each.gone or each.wire.done for each in self._streams.values())
            return count >= STREAMS
        return count >= 2 * STREAMS

    def _refuse(self, number: int, code: ErrorCodes) -> None:
        self._intake.blame()
        self._outlet.reset(number, code)

    async def _serve(self, stream: Stream) -> None:
        try:
            await stream.serve()
        finally:
            self._finish(stream)

    def _finish(self, stream: Stream) -> None:
        """A stream is over, for us: let the client know if that isn't said yet."""
        wire, number = stream.wire, stream.number
        del self._streams[number]
        self.shared.sweeper.streams.discard(stream)
        while wire.at_hand():  # the client may send as much on other streams
            pass
        self._outlet.close(wire, told=stream.gone)
        if stream.parting and not self._leaving:
            self.leave_if_idle()
        if not self._streams:
            self._rest()
            if self._leaving:
                self._end()

    def _goaway(self, code: int) -> None:
        """Name the last stream that is answered: never a later one than before (RFC 9113 §6.8)."""
        self._last = min(self._last, self._h2.highest_inbound_stream_id)
        self._outlet.goaway(self._last, code)

    def _end(self) -> None:
        """Nothing is under way: the reader is to leave. (If it isn't waiting, it's told again.)"""
        self.wire.deadline = self.shared.sweeper.now + AGAIN
        self.wire.nudge()
