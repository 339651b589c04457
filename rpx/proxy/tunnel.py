"""After 101: bytes both ways until a side is gone. Transparent to whatever is spoken."""

from __future__ import annotations

import os

import trio

from rpx.http.websocket import GOING_AWAY, Frames, close_frame
from rpx.proxy.sockets import READ_SIZE, Wire, WireCut

HALF_CLOSED = 1.0  # seconds of silence after which a tunnel that one side has left is closed
FAREWELL = 1.0  # seconds that both sides of a WebSocket get to close it when rpx goes down


class _Way:
    """One direction. `frames`: where its WebSocket frames end, None where none are spoken."""

    __slots__ = ("frames", "goodbye", "passing", "sending", "source", "target")

    def __init__(self, source: Wire, target: Wire, goodbye: bytes, frames: Frames | None) -> None:
        self.source = source
        self.target = target
        self.goodbye = goodbye
        self.frames = frames
        self.passing = trio.CancelScope()
        self.sending = True  # not to be interrupted: nobody would know how much has gone


class Tunnel:
    """Carries bytes both ways.

    A WebSocket is followed, so that both sides can be told at the end of a frame that rpx goes
    down (1001); whatever else is spoken just ends.
    """

    def __init__(self, client: Wire, upstream: Wire, *, websocket: bool) -> None:
        up = Frames(masked=True) if websocket else None
        down = Frames(masked=False) if websocket else None
        self._up = _Way(client, upstream, close_frame(GOING_AWAY, os.urandom(4)), up)
        self._down = _Way(upstream, client, close_frame(GOING_AWAY), down)
        self._both = trio.CancelScope()
        self._ending = False  # a side has left, or we are leaving
        self._leaving = False

    async def run(self, head: bytes, early: bytes, late: bytes) -> None:
        """Carry bytes. `head` is the 101, `early` came from the client behind its request, `late`
        from the backend behind its 101.

        Returns when both sides are done, or one is and the other is silent.
        """
        with self._both:
            async with trio.open_nursery() as ways:
                ways.start_soon(self._carry, self._up, b"", early)
                await self._carry(self._down, head, late)

    def leave(self) -> None:
        """rpx goes down: both sides are to be gone within a second."""
        self._leaving = self._ending = True
        if self._up.frames is None:
            self._both.cancel(reason="rpx is going down")
            return
        self._both.deadline = trio.current_time() + FAREWELL
        for way in (self._up, self._down):
            if not way.sending:
                way.passing.cancel(reason="rpx is going down")

    async def _carry(self, way: _Way, head: bytes, data: bytes) -> None:
        rest: bytes | None = b""
        try:
            with way.passing:
                rest = await self._pass(way, head, data)
            if rest is not None and way.frames is not None:
                await _say_goodbye(way, way.frames, rest)
        except (OSError, WireCut):
            self._both.cancel(reason="a side of the tunnel has gone")

    async def _pass(self, way: _Way, head: bytes, data: bytes) -> bytes | None:
        """Carry until the source ends (None), or we leave: then return what came just then."""
        source, target, frames = way.source, way.target, way.frames
        if head or data:
            await target.send(head + data)
        read = source.receive
        while True:
            if frames is not None:
                frames.follow(data)
            if self._ending:
                if self._leaving:
                    return b""
                self._half_closed()  # the side that is left still has something to say
            way.sending = False
            data = await read()
            if self._leaving:
                return data
            if not data:
                break
            way.sending = True
            await target.send(data)
            # Behind less than a full read nothing waits: a message is rarely two reads.
            read = source.receive if len(data) == READ_SIZE else source.expect
        await target.finish_sending()
        self._half_closed()
        return None

    def _half_closed(self) -> None:
        # A FIN may mean "I'm done sending" or "I've gone"; the second is far more common, and
        # only what still flows the other way can tell.
        self._ending = True
        self._both.deadline = trio.current_time() + HALF_CLOSED


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
