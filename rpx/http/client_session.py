"""A session with a server: we begin streams, and it answers each."""

from __future__ import annotations

import math

from rpx.http.control_frames import SessionUser
from rpx.http.frames import (
    ENABLE_PUSH,
    LATEST,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PREFACE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
)
from rpx.http.hpack import Fields
from rpx.http.session import Http2Session
from rpx.http.stream_state import Receiver, StreamState


class ClientSession(Http2Session):
    """The side that asks."""

    preface = PREFACE

    def __init__(
        self, user: SessionUser, now: float, *, head: int, window: int, total: int
    ) -> None:
        """As of Http2Session. A head may be no larger than `head`."""
        ours = [(ENABLE_PUSH, 0), (MAX_HEADER_LIST_SIZE, head)]
        super().__init__(user, now, head=head, window=window, total=total, ours=ours)
        self._gone = False  # it takes no more streams

    @property
    def spare(self) -> float:
        """How many more streams may be begun now."""
        if self._gone or self.last >= LATEST - 1:
            return 0
        return max(0, self.theirs.get(MAX_CONCURRENT_STREAMS, math.inf) - len(self.streams))

    def begin(self, receiver: Receiver, fields: Fields, *, end: bool) -> StreamState:
        """Begin a stream with the head of a request; there has to be one to `spare`."""
        self.last += 2 if self.last else 1
        stream = StreamState(self.last, self._initial, self._window)
        stream.receiver = receiver
        self.streams[stream.number] = stream
        self.say_head(stream, fields, end=end)
        return stream

    def _opened(self, number: int) -> None:
        """A server begins none: nothing is pushed."""

    def _head(self, stream: StreamState, fields: Fields, *, end: bool) -> None:
        status = fields[0][1] if fields and fields[0][0] == b":status" else b""
        if not (len(status) == 3 and status.isdigit()):
            self._fault(stream.number, PROTOCOL_ERROR)
        elif status[:1] == b"1":
            if end or status == b"101":  # §8.1: there is more to come; §8.6: nothing is switched
                self._fault(stream.number, PROTOCOL_ERROR)
            else:
                stream.receiver.head_came(fields)
        else:
            stream.begun = True
            if end:
                self._heard(stream)
            stream.receiver.head_came(fields)
            if end:
                stream.receiver.end_came(())

    def _left(self, last: int, code: int) -> None:
        self._gone = True
        for number in [each for each in self.streams if each > last]:
            self.streams.pop(number).receiver.reset_came(REFUSED_STREAM, refused=True)
        super()._left(last, code)
