"""A session with a client: it begins streams, each with the head of a request."""

from __future__ import annotations

from typing import Protocol

from rpx.http.control_frames import SessionUser
from rpx.http.frames import (
    ENABLE_CONNECT_PROTOCOL,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    PREFACE,
)
from rpx.http.hpack import Fields
from rpx.http.session import Http2Session
from rpx.http.stream_state import StreamState


class ServerUser(SessionUser, Protocol):
    """Who gets the requests of a client."""

    def request_came(self, stream: StreamState, fields: Fields) -> None:
        """A client has begun a stream. It has ended it if `stream.heard`.

        To be given a receiver, and the content-length as `left`; or to be refused.
        """


class ServerSession(Http2Session):
    """The side that is asked."""

    greeting = PREFACE

    def __init__(
        self, user: ServerUser, now: float, *, head: int, window: int, total: int, streams: int
    ) -> None:
        """As of Http2Session. `head`: as the client is told; it is cut off at twice as much.
        `streams`: that it is told it may have at the same time. Who gets them counts them.
        """
        ours = [
            (MAX_CONCURRENT_STREAMS, streams),
            (MAX_HEADER_LIST_SIZE, head),
            (ENABLE_CONNECT_PROTOCOL, 1),
        ]
        super().__init__(user, now, head=2 * head, window=window, total=total, ours=ours)
        self._server = user

    def _opened(self, number: int) -> StreamState | None:
        if not number & 1 or number <= self.last:
            return None
        self.last = number
        stream = self.streams[number] = StreamState(number, self._initial, self._window)
        return stream

    def _head(self, stream: StreamState, fields: Fields, *, end: bool) -> None:
        stream.begun, stream.heard = True, end
        self._server.request_came(stream, fields)
