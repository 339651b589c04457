"""What one side of an HTTP/2 connection says: it gathers here until somebody writes it."""

from __future__ import annotations

from collections.abc import Sequence

from rpx.http.calm import Calm
from rpx.http.frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FIRST_WINDOW,
    HEAD,
    HEADERS,
    LARGEST,
    PING,
    RST_STREAM,
    SIZE,
    WINDOW_UPDATE,
    frame,
    goaway,
)
from rpx.http.hpack import Encoder, Field
from rpx.http.stream_state import StreamState

KEPT = 1000  # streams that we have reset, whose late frames are still told from errors


class FrameWriter:
    """Frames in the order in which they were said.

    `waiting`: bytes that `take` would return. `streams` are those that are not over, by number.
    `resets`: streams that we have reset, each with the bytes that may still be on their way.
    """

    def __init__(self, now: float, total: int) -> None:
        """`now`: as of `Calm`. `total`: bytes that the other side may send ahead, in all."""
        self.streams: dict[int, StreamState] = {}
        self.resets: dict[int, int] = {}
        self.waiting = 0
        self.room = FIRST_WINDOW  # bytes that we may send, on all streams
        self._total = total
        self._credit = total  # bytes that they may send
        self._owed = 0  # bytes taken that they have not been told of
        self._out: list[bytes | memoryview] = []
        self._encoder = Encoder()
        self._calm = Calm(now)

    def take(self) -> bytes:
        """Return what there is to be written; it is the caller's from now on."""
        out = b"".join(self._out)
        self._out.clear()
        self.waiting = 0
        return out

    def put(self, data: bytes) -> None:
        """Say whole frames."""
        self._out.append(data)
        self.waiting += len(data)

    def say_head(self, stream: StreamState, fields: Sequence[Field], *, end: bool) -> None:
        """Say a head or trailers. They wait for no window."""
        self._say_block(stream, self._encoder.encode(fields), end=end)

    def say_encoded(self, stream: StreamState, fields: list[bytes], *, end: bool) -> None:
        """Likewise, where each field has been encoded by itself."""
        self._say_block(stream, self._encoder.join(fields), end=end)

    def _say_block(self, stream: StreamState, block: bytes, *, end: bool) -> None:
        size, number, last = len(block), stream.number, END_STREAM if end else 0
        if size <= LARGEST:
            flags = last | END_HEADERS
            self._out += (HEAD.pack(size >> 8, size & 255, HEADERS, flags, number), block)
            self.waiting += size + SIZE
        else:
            self.put(frame(HEADERS, last, number, block[:LARGEST]))
            for at in range(LARGEST, size, LARGEST):
                flags = END_HEADERS if at + LARGEST >= size else 0
                self.put(frame(CONTINUATION, flags, number, block[at : at + LARGEST]))
        if end:
            self._said(stream)

    def say_data(self, stream: StreamState, data: bytes | memoryview, *, end: bool) -> int:
        """Say as much of `data` as the windows allow; return how many bytes that was.

        `end`: that is all, which is said with the last byte.
        """
        size = len(data)
        room = min(self.room, stream.room)
        if size > room:
            size, end = max(room, 0), False
            data = memoryview(data)[:size]
        if not size and not end:
            return 0
        out, number, last = self._out, stream.number, END_STREAM if end else 0
        if size <= LARGEST:
            out += (HEAD.pack(size >> 8, size & 255, DATA, last, number), data)
            frames = 1
        else:
            view, frames = memoryview(data), 0
            for at in range(0, size, LARGEST):
                piece = view[at : at + LARGEST]
                length = len(piece)
                flags = last if at + length == size else 0
                out += (HEAD.pack(length >> 8, length & 255, DATA, flags, number), piece)
                frames += 1
        self.waiting += size + SIZE * frames
        self._calm.due += 2 * frames
        self.room -= size
        stream.room -= size
        if end:
            self._said(stream)
        return size

    def say_reset(self, stream: StreamState, code: int) -> None:
        """End a stream. If it is over already, that was said, or they know."""
        if self.streams.get(stream.number) is stream:
            self._reset(stream.number, code)

    def say_ping(self, data: bytes) -> None:
        """Ask for a sign of life. `data`: eight bytes, which come back."""
        self.put(frame(PING, 0, 0, data))

    def say_goaway(self, last: int, code: int) -> None:
        """As `goaway`."""
        self.put(goaway(last, code))

    def took(self, stream: StreamState, size: int) -> None:
        """So many bytes of a body have been taken: the other side may send as many more.

        It is told when that is a quarter of a stream's window.
        """
        self._took(size)
        if not stream.heard:
            stream.owed += size
            if stream.owed * 4 >= stream.window:
                stream.credit += stream.owed
                if self.streams.get(stream.number) is stream:
                    self._open(stream.number, stream.owed)
                stream.owed = 0

    def widen(self, stream: StreamState, size: int) -> bool:
        """Let the other side send so many bytes more ahead on that stream; false: it is over."""
        if stream.heard or self.streams.get(stream.number) is not stream:
            return False
        stream.window += size
        stream.credit += size
        self._open(stream.number, size)
        return True

    def _took(self, size: int) -> None:
        self._owed += size
        if self._owed * 8 >= self._total:
            self._credit += self._owed
            self._open(0, self._owed)
            self._owed = 0

    def _open(self, number: int, size: int) -> None:
        self.put(frame(WINDOW_UPDATE, 0, number, size.to_bytes(4, "big")))

    def _said(self, stream: StreamState) -> None:
        stream.said = True
        if stream.heard:
            self.streams.pop(stream.number, None)

    def _reset(self, number: int, code: int) -> StreamState | None:
        """Reset it, whether it is there or not; return it if it was."""
        stream = self.streams.pop(number, None)
        self.put(frame(RST_STREAM, 0, number, code.to_bytes(4, "big")))
        if len(self.resets) >= KEPT:
            del self.resets[next(iter(self.resets))]
        self.resets[number] = stream.credit if stream is not None else 0
        return stream
