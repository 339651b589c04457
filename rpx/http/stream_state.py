"""One stream of HTTP/2 as its frames see it: its windows, its two ends, and what may still come."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple, Protocol

from rpx.http.frames import (
    DATA,
    FLOW_CONTROL_ERROR,
    HEADERS,
    NO_ERROR,
    PROTOCOL_ERROR,
    RST_STREAM,
    STREAM_CLOSED,
    WINDOW_UPDATE,
)
from rpx.http.hpack import Fields


class Receiver(Protocol):
    """Who gets what comes on a stream. None of these raises, but for `Http2Session.refuse`."""

    def head_came(self, fields: Fields) -> None:
        """The head of an answer, interim ones too. (A request's makes the stream.)"""

    def data_came(self, data: bytes) -> None:
        """A piece of a body, at least one byte: to be returned by `took`."""

    def end_came(self, trailers: Fields) -> None:
        """That was all."""

    def reset_came(self, code: int, *, refused: bool) -> None:
        """It is over. `refused`: the other side has done nothing with it (RFC 9113 §8.7)."""


class Nobody:
    """Receives for a stream that nobody has taken."""

    def head_came(self, fields: Fields) -> None:
        """Nobody minds."""

    def data_came(self, data: bytes) -> None:
        """Nobody minds."""

    def end_came(self, trailers: Fields) -> None:
        """Nobody minds."""

    def reset_came(self, code: int, *, refused: bool) -> None:
        """Nobody minds."""


NOBODY: Final = Nobody()


class StreamState:
    """A stream that is open, or that one side has ended.

    room      bytes that we may send
    credit    bytes that they may send, and `window` how many that are at most
    owed      bytes that were taken, and that they have not been told of
    left      bytes of the body that its content-length leaves; -1: it has none
    begun     its head has come: what follows is its body, or trailers
    heard     they have ended; `said`: we have
    """

    __slots__ = (
        "begun",
        "credit",
        "heard",
        "left",
        "number",
        "owed",
        "receiver",
        "room",
        "said",
        "window",
    )

    def __init__(self, number: int, room: int, window: int) -> None:
        self.number = number
        self.receiver: Receiver = NOBODY
        self.room = room
        self.window = self.credit = window
        self.owed = 0
        self.left = -1
        self.begun = self.heard = self.said = False

    def wrong(self, size: int, length: int, last: int) -> int:
        """Take note of data: `size` bytes with padding, `length` without; `last`: they are.

        Return the error code of what is wrong with it.
        """
        self.credit -= size
        if self.credit < 0:
            return FLOW_CONTROL_ERROR
        if not self.begun:
            return PROTOCOL_ERROR
        if self.left >= 0:
            self.left -= length
            if self.left < 0 or (last and self.left):
                return PROTOCOL_ERROR
        return NO_ERROR


class StreamStanding(Enum):
    """How a stream stands on which a frame has come (RFC 9113 §5.1)."""

    IDLE = "nobody has begun it"
    ENDED = "they have ended, and we have not"
    RESET = "we have reset it: what was on its way may still come"
    CLOSED = "both have ended, or they have reset it"


class Reach(Enum):
    """What a frame that doesn't fit ends."""

    NOTHING = "it is forgotten"
    COUNTED = "it is forgotten, but there may not be many"
    STREAM = "the stream"
    CONNECTION = "the connection"


class Ruling(NamedTuple):
    """What becomes of a frame that comes on a stream on which none is expected."""

    reach: Reach
    code: int = 0


_IDLE: Final = Ruling(Reach.CONNECTION, PROTOCOL_ERROR)
_FORGOTTEN: Final = Ruling(Reach.NOTHING)
_LATE: Final = Ruling(Reach.COUNTED)
_AFTER_END: Final = Ruling(Reach.STREAM, STREAM_CLOSED)

RULINGS: Final[dict[StreamStanding, dict[int, Ruling]]] = {
    StreamStanding.IDLE: {DATA: _IDLE, HEADERS: _IDLE, RST_STREAM: _IDLE, WINDOW_UPDATE: _IDLE},
    StreamStanding.ENDED: {DATA: _AFTER_END, HEADERS: _AFTER_END},
    StreamStanding.RESET: {
        DATA: _LATE,
        HEADERS: _LATE,
        RST_STREAM: _FORGOTTEN,
        WINDOW_UPDATE: _FORGOTTEN,
    },
    StreamStanding.CLOSED: {
        DATA: _AFTER_END,
        HEADERS: Ruling(Reach.CONNECTION, STREAM_CLOSED),
        RST_STREAM: _FORGOTTEN,
        WINDOW_UPDATE: _FORGOTTEN,
    },
}
