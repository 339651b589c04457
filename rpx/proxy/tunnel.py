"""After 101: bytes both ways until a side is gone. Transparent to whatever is spoken."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import NamedTuple

import trio

from rpx.http.websocket import GOING_AWAY, Frames, close_frame
from rpx.hub.request_ring import Conveyed
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import READ_SIZE
from rpx.proxy.wire import Buffers, ClientWire, Cut, Nudged, WireCut

HALF_CLOSED = 1.0  # seconds of silence after which a tunnel that one side has left is closed
# Likewise, where a client of another protocol has ended what it sends: `echo x | docker run -i`
# does so, and waits for what is made of it.
HALF_CLOSED_CLIENT = 60.0
FAREWELL = 1.0  # seconds that both sides of a WebSocket get to close it when rpx goes down

Begin = Callable[[Buffers], Awaitable[None]]  # sends the 101 and what is behind it


class _Phase(Enum):
    """How far a tunnel is from its end."""

    OPEN = "both sides may say whatever they like"
    ENDING = "one side has ended what it sends: the other may finish"
    LEAVING = "rpx goes down: both sides are told so, as soon as the present frame has ended"


_OPEN, _ENDING, _LEAVING = _Phase


class _Way(NamedTuple):
    """One direction. `frames`: where its WebSocket frames end, None where none are spoken."""

    source: ClientWire
    target: ClientWire
    goodbye: bytes
    carried: Conveyed
    frames: Frames | None


class Tunnel:
    """Carries bytes both ways.

    A WebSocket is followed, so that both sides can be told at the end of a frame that rpx goes
    down (1001); whatever else is spoken just ends. `half_closed`: its client has ended what it
    sends, which is no news of a WebSocket's, for that ends with it.
    """

    def __init__(
        self, client: ClientWire, upstream: ClientWire, reactor: Reactor, *, websocket: bool
    ) -> None:
        self.websocket = websocket
        up = Frames(masked=True) if websocket else None
        down = Frames(masked=False) if websocket else None
        self.carried = Conveyed(up), Conveyed(down)
        goodbye = close_frame(GOING_AWAY, os.urandom(4)), close_frame(GOING_AWAY)
        self._up = _Way(client, upstream, goodbye[0], self.carried[0], up)
        self._down = _Way(upstream, client, goodbye[1], self.carried[1], down)
        self._reactor = reactor
        self.half_closed = False
        self._phase = _OPEN

    async def run(self, begin: Begin, early: bytes, late: bytes) -> None:
        """Carry bytes. `begin` tells the client that it may; `early` came from it behind its
        request, `late` from the backend behind its 101.

        Returns when both sides are done, or one is and the other is silent.
        """
        await self._reactor.both(
            partial(self._carry, self._down, late, begin), partial(self._carry, self._up, early)
        )

    def leave(self) -> None:
        """rpx goes down: both sides are to be gone within a second."""
        self._enter(_LEAVING)
        if self._up.frames is None:
            self._cut(Cut.DRAINED)

    async def _carry(self, way: _Way, data: bytes, begin: Begin | None = None) -> None:
        try:
            if begin is not None:
                await begin([data])
            elif data:
                await way.target.send(data)
            rest = await self._pass(way, data)
            if rest is None:
                self.half_closed |= way is self._up
                if self._phase is _OPEN:
                    self._enter(_ENDING)
                return
            async with self._reactor.task():
                with trio.move_on_after(self._silence(way)) as patience:
                    await self._finish(way, rest, patience)
            if patience.cancelled_caught:
                self._cut(Cut.LATE)
        except (OSError, WireCut):
            self._cut(Cut.GONE)

    async def _pass(self, way: _Way, data: bytes) -> bytes | None:
        """Carry until the source ends (None), or the tunnel does: then return what is not sent.

        `data` was the last that was sent.
        """
        source, target, _, carried, frames = way
        read = source.receive
        while True:
            carried.bytes += len(data)
            if frames is not None:
                _follow(frames, data, source)
            if self._phase is not _OPEN:
                return b""
            try:
                data = await read()
            except Nudged:
                return b""
            if self._phase is _LEAVING:
                return data
            if not data:
                break
            await target.send(data)
            # Behind less than a full read nothing waits: a message is rarely two reads.
            read = source.receive if len(data) == READ_SIZE else source.expect
        await target.finish_sending()
        return None

    async def _finish(self, way: _Way, data: bytes, patience: trio.CancelScope) -> None:
        """The tunnel ends: carry what this side still has to say, `data` before anything else."""
        source, target, _, carried, frames = way
        source.nudged = False
        # A FIN may mean "I'm done sending" or "I've gone"; the second is far more common, and
        # only what still flows the other way can tell.
        while self._phase is _ENDING:
            try:
                came = await source.receive()
                if not came:
                    return await target.finish_sending()
                carried.bytes += len(came)
                await target.send(came)
                patience.deadline = trio.current_time() + self._silence(way)
            except Nudged:  # rpx goes down
                pass
        if frames is not None:
            source.nudged = False
            patience.deadline = trio.current_time() + FAREWELL
            await _say_goodbye(way, frames, data)
        return None

    def _silence(self, way: _Way) -> float:
        """How long this side may say nothing, once the other has ended."""
        return HALF_CLOSED_CLIENT if way is self._down and way.frames is None else HALF_CLOSED

    def _enter(self, phase: _Phase) -> None:
        """Go over to `phase`, and let whoever reads know."""
        self._phase = phase
        for way in (self._up, self._down):
            way.source.nudge()

    def _cut(self, why: Cut) -> None:
        for way in (self._up, self._down):
            way.source.cut(why)


def _follow(frames: Frames, data: bytes, source: ClientWire) -> None:
    frames.follow(data)
    if frames.many:
        frames.many = False
        source.give_way_soon()


async def _say_goodbye(way: _Way, frames: Frames, data: bytes) -> None:
    """Carry the present frame to its end, close, and wait for the other side to close too."""
    while not frames.between:
        data = data or await way.source.receive()
        if not data:
            return
        end = frames.frame_end(data)
        await way.target.send(data[:end])
        data = data[end:]
    if not frames.closed:
        await way.target.send(way.goodbye)
        frames.follow(data)
    while not frames.closed and (data := await way.source.receive()):
        frames.follow(data)
