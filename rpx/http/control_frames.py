"""Frames that carry no request: settings, windows, resets, pings, and what fits nowhere."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from rpx.http.frame_writer import FrameWriter
from rpx.http.frames import (
    ACK,
    ENABLE_CONNECT_PROTOCOL,
    ENABLE_PUSH,
    FIRST_WINDOW,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    INITIAL_WINDOW_SIZE,
    LARGEST,
    LARGEST_EVER,
    LATEST,
    MAX_FRAME_SIZE,
    PING,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    REFUSED_STREAM,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    ConnectionFault,
    frame,
    number_at,
)
from rpx.http.stream_state import RULINGS, Reach, StreamStanding, StreamState

# Takes a frame: what has come, where the payload begins and ends, its flags, its stream.
Taker = Callable[[Any, bytes, int, int, int, int], None]


class SessionUser(Protocol):
    """Who gets what concerns the whole connection. None of these raises, but for `refuse`."""

    def windows_opened(self) -> None:
        """More may be sent than before, on one stream or on all."""

    def settings_came(self) -> None:
        """The other side has said how it wants things: see `theirs`."""

    def settings_known(self) -> None:
        """The other side has acknowledged our settings."""

    def pong_came(self, data: bytes) -> None:
        """The answer to a ping."""

    def goaway_came(self, last: int, code: int) -> None:
        """The other side takes no more streams; above `last` it has taken none."""


class ControlFrames(FrameWriter):
    """Takes them, one by one. `theirs`: what the other side has set, by number of the setting.

    `last`: the highest stream that the client has begun.
    """

    def __init__(self, user: SessionUser, now: float, total: int) -> None:
        """`now`, `total`: as of FrameWriter."""
        super().__init__(now, total)
        self.theirs: dict[int, int] = {}
        self.last = 0
        self._user = user
        self._initial = FIRST_WINDOW  # bytes that we may send on a stream at first

    def refuse(self, stream: StreamState, code: int) -> None:
        """Reset a stream for what has come, which is as good as if the other side had done so.

        To be called from where that is told. Raises: ConnectionFault when it is once too often.
        """
        self.say_reset(stream, code)
        self._calm.spend()

    def _window_update(self, data: bytes, begin: int, end: int, _: int, number: int) -> None:
        _check(end - begin == 4, FRAME_SIZE_ERROR, "a WINDOW_UPDATE has four bytes")
        more = number_at(data, begin)
        self._calm.acknowledged()
        if not number:
            _check(more > 0, PROTOCOL_ERROR, "a WINDOW_UPDATE of nothing")
            self.room += more
            _check(self.room <= LATEST, FLOW_CONTROL_ERROR, "a window is too large")
        else:
            stream = self.streams.get(number)
            if stream is None:
                self._stray(WINDOW_UPDATE, number)
                return
            stream.room += more
            if not more or stream.room > LATEST:
                self._fault(number, FLOW_CONTROL_ERROR if more else PROTOCOL_ERROR)
                return
        self._user.windows_opened()

    def _rst_stream(self, data: bytes, begin: int, end: int, _: int, number: int) -> None:
        self._calm.spend()
        _check(end - begin == 4, FRAME_SIZE_ERROR, "a RST_STREAM has four bytes")
        code = int.from_bytes(data[begin:end], "big")
        stream = self.streams.pop(number, None)
        if stream is None:
            self._stray(RST_STREAM, number)
        else:
            stream.receiver.reset_came(code, refused=code == REFUSED_STREAM)

    def _priority(self, data: bytes, begin: int, end: int, _: int, number: int) -> None:
        """Priorities of this kind mean nothing any more (§5.3), but have to be well-formed."""
        self._calm.spend()
        _check(number > 0, PROTOCOL_ERROR, "the PRIORITY of no stream")
        sound = end - begin == 5
        if not sound or number_at(data, begin) == number:
            code = PROTOCOL_ERROR if sound else FRAME_SIZE_ERROR
            idle = self._standing(number) is StreamStanding.IDLE
            _check(not idle, code, "a PRIORITY that is none, of a stream that nobody has begun")
            self._fault(number, code)

    def _settings(self, data: bytes, begin: int, end: int, flags: int, number: int) -> None:
        self._calm.spend()
        _check(not number, PROTOCOL_ERROR, "SETTINGS of a stream")
        if flags & ACK:
            _check(begin == end, FRAME_SIZE_ERROR, "an acknowledgement with settings")
            self._user.settings_known()
            return
        _check((end - begin) % 6 == 0, FRAME_SIZE_ERROR, "each setting has six bytes")
        for key, value in struct.iter_unpack(">HI", data[begin:end]):
            self._setting(key, value)
        self.put(frame(SETTINGS, ACK, 0))
        self._user.settings_came()

    def _setting(self, key: int, value: int) -> None:
        """Raises: ConnectionFault for a value that may not be (§6.5.2)."""
        if key == INITIAL_WINDOW_SIZE:
            _check(value <= LATEST, FLOW_CONTROL_ERROR, "a window is too large")
            by, self._initial = value - self._initial, value
            for stream in self.streams.values():
                stream.room += by
                _check(stream.room <= LATEST, FLOW_CONTROL_ERROR, "a window is too large")
        elif key == MAX_FRAME_SIZE:
            _check(LARGEST <= value <= LARGEST_EVER, PROTOCOL_ERROR, "a size no frame may have")
        elif key in {ENABLE_PUSH, ENABLE_CONNECT_PROTOCOL}:
            _check(value <= 1, PROTOCOL_ERROR, "a setting that is yes or no, and is neither")
        if key <= ENABLE_CONNECT_PROTOCOL:  # nobody asks for others, and there are many
            self.theirs[key] = value

    def _ping(self, data: bytes, begin: int, end: int, flags: int, number: int) -> None:
        # Who measures the way that data takes, as gRPC does, sends one for each that has come.
        self._calm.acknowledged()
        _check(not number, PROTOCOL_ERROR, "a PING of a stream")
        _check(end - begin == 8, FRAME_SIZE_ERROR, "a PING has eight bytes")
        if flags & ACK:
            self._user.pong_came(data[begin:end])
        else:
            self.put(frame(PING, ACK, 0, data[begin:end]))

    def _goaway(self, data: bytes, begin: int, end: int, _: int, number: int) -> None:
        self._calm.spend()
        _check(not number, PROTOCOL_ERROR, "a GOAWAY of a stream")
        _check(end - begin >= 8, FRAME_SIZE_ERROR, "a GOAWAY has eight bytes or more")
        code = int.from_bytes(data[begin + 4 : begin + 8], "big")
        self._left(number_at(data, begin), code)

    def _left(self, last: int, code: int) -> None:
        """The other side takes no more streams."""
        self._user.goaway_came(last, code)

    def _push_promise(self, _: bytes, __: int, ___: int, ____: int, _____: int) -> None:
        raise ConnectionFault(PROTOCOL_ERROR, "nobody may push here")

    def forget(self, _: bytes, __: int, ___: int, ____: int, _____: int) -> None:
        """A frame for nothing. Raises: ConnectionFault."""
        self._calm.spend()

    takers: ClassVar[dict[int, Taker]] = {
        PRIORITY: _priority,
        RST_STREAM: _rst_stream,
        SETTINGS: _settings,
        PUSH_PROMISE: _push_promise,
        PING: _ping,
        GOAWAY: _goaway,
        WINDOW_UPDATE: _window_update,
    }

    # ---- what doesn't fit

    def _standing(self, number: int) -> StreamStanding:
        """How a stream stands that isn't open."""
        if not number & 1 or number > self.last:
            return StreamStanding.IDLE
        if number in self.resets:
            return StreamStanding.RESET
        return StreamStanding.ENDED if number in self.streams else StreamStanding.CLOSED

    def _stray(self, kind: int, number: int) -> None:
        """A frame has come on a stream on which it isn't expected. Raises: ConnectionFault."""
        ruling = RULINGS[self._standing(number)][kind]
        if ruling.reach is Reach.CONNECTION:
            raise ConnectionFault(ruling.code, "a frame that its stream can't have now")
        if ruling.reach is Reach.STREAM:
            self._fault(number, ruling.code)
        elif ruling.reach is Reach.COUNTED:
            self._calm.spend()

    def _fault(self, number: int, code: int) -> None:
        """The other side errs so that a stream is to end (§5.4.2). Raises: ConnectionFault."""
        stream = self._reset(number, code)
        if stream is not None:
            stream.receiver.reset_came(code, refused=False)
        self._calm.spend()


def every_kind(takers: Mapping[int, Taker]) -> tuple[Taker, ...]:
    """By kind of frame. One that nobody knows is forgotten (§4.1)."""
    return tuple(takers.get(kind, ControlFrames.forget) for kind in range(256))


def _check(sound: bool, code: int, why: str) -> None:
    """Raises: ConnectionFault."""
    if not sound:
        raise ConnectionFault(code, why)
