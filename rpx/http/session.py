"""One HTTP/2 connection, as bytes: what comes is taken apart, what is said gathers (RFC 9113).

No I/O and no clock. Frames that cost their sender nothing and us something are bounded here, and
so is all that is kept of what has come.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rpx.http.control_frames import ControlFrames, SessionUser, every_kind
from rpx.http.frames import (
    ACK,
    COMPRESSION_ERROR,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    FIRST_WINDOW,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    HEAD,
    HEADERS,
    INITIAL_WINDOW_SIZE,
    LARGEST,
    LATEST,
    PADDED,
    PROTOCOL_ERROR,
    SETTINGS,
    SIZE,
    WITH_PRIORITY,
    ConnectionFault,
    number_at,
    settings,
)
from rpx.http.hpack import Decoder, Fields, HpackError, TooLarge
from rpx.http.stream_state import StreamState

PIECES: Final = 32  # frames of one head
AT_ONCE: Final = 256  # frames with data that are taken in one go: a read may bring thousands
SMALL: Final = 1024  # bytes of late data below which a frame is one for nothing


class Http2Session(ControlFrames):
    """What both roles have. `more`: some of what has come waits for its turn; feed it with b""."""

    preface = b""  # what we say before our first frame
    greeting = b""  # and what they say

    def __init__(
        self,
        user: SessionUser,
        now: float,
        *,
        head: int,
        window: int,
        total: int,
        ours: Iterable[tuple[int, int]],
    ) -> None:
        """`now`: seconds on any clock. `head`: bytes of a head, encoded or not. `window`: bytes
        that they may send ahead on each stream, `total` on all. `ours`: further settings.
        """
        super().__init__(user, now, total)
        self.more = False
        self._window = window
        self._most = head
        self._decoder = Decoder(head)
        self._rest = b""  # the beginning of a frame
        self._greeted = False
        self._block: list[bytes] | None = None  # of the head that is coming, if one is
        self._block_size = 0
        self._block_of = (0, 0)  # its stream and flags
        self.put(self.preface + settings([(INITIAL_WINDOW_SIZE, window), *ours]))
        self._open(0, total - FIRST_WINDOW)

    @property
    def within(self) -> bool:
        """A frame has begun, and the rest of it is still to come; or a head has."""
        return bool(self._rest) or self._block is not None

    def feed(self, data: bytes, now: float) -> None:
        """Take what has come. Raises: ConnectionFault; what came before counts no more."""
        self._calm.now = now
        rest, at, left = self._rest, 0, AT_ONCE
        if rest:
            lacks = SIZE + int.from_bytes(rest[:3], "big") - len(rest) if self._greeted else 0
            if 0 < lacks < len(data) and len(rest) >= SIZE:
                # Only that much is put behind it: an upload comes in pieces that cut its frames,
                # and all of it would be copied once more.
                _, left = self._frames(rest + data[:lacks], 0, left)
                at = lacks
            else:
                data = rest + data
        if not self._greeted:
            at = self._begin(data)
            if at < 0:
                self._rest = data
                return
        at, left = self._frames(data, at, left)
        self._rest = data[at:]
        self.more = not left

    def _frames(self, data: bytes, at: int, left: int) -> tuple[int, int]:
        """Take whole frames from `at` on, at most `left`; return where it stopped, and what is left
        of `left`. Raises: ConnectionFault.
        """
        unpack, takers, size = HEAD.unpack_from, self._takers, len(data)
        while at + SIZE <= size and left:
            high, low, kind, flags, number = unpack(data, at)
            begin = at + SIZE
            end = begin + (high << 8 | low)
            if end - begin > LARGEST:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a frame is too large")
            if end > size:
                break
            if self._block is not None and kind != CONTINUATION:
                raise ConnectionFault(PROTOCOL_ERROR, "a head is not finished")
            left -= 1
            takers[kind](self, data, begin, end, flags, number & LATEST)
            at = end
        return at, left

    def _begin(self, data: bytes) -> int:
        """Return where the first frame begins, -1 until that has come. Raises: ConnectionFault."""
        at = len(self.greeting)
        if data[:at] != self.greeting[: len(data)]:
            raise ConnectionFault(PROTOCOL_ERROR, "it does not begin as RFC 9113 §3.4 says")
        if len(data) < at + 5:
            return -1
        if data[at + 3] != SETTINGS or data[at + 4] & ACK:
            raise ConnectionFault(PROTOCOL_ERROR, "it does not begin with its settings")
        self._greeted = True
        return at

    # ---- bodies

    def _data(self, data: bytes, begin: int, end: int, flags: int, number: int) -> None:
        size = end - begin
        if flags & PADDED:
            begin, end = _unpadded(data, begin, end)
        self._charge(size)
        last, length = flags & END_STREAM, end - begin
        if not (length or last):
            self._calm.spend()
        stream = self.streams.get(number)
        if stream is None or stream.heard:
            self._took(size)
            self._stray_data(number, size)
        elif code := stream.wrong(size, length, last):
            self._took(size)
            self._fault(number, code)
        else:
            if length:
                stream.receiver.data_came(data[begin:end])
            if size > length:
                self.took(stream, size - length)
            if last:
                self._end_came(stream, ())

    def _charge(self, size: int) -> None:
        self._credit -= size
        if self._credit < 0:
            raise ConnectionFault(FLOW_CONTROL_ERROR, "more than the connection's window")

    def _stray_data(self, number: int, size: int) -> None:
        """Data for a stream that is over: what was on its way when we reset it is no fault."""
        on_its_way = self.resets.get(number, 0)
        if SMALL <= size <= on_its_way:
            self.resets[number] = on_its_way - size
        else:
            self._stray(DATA, number)

    # ---- heads

    def _headers(self, data: bytes, begin: int, end: int, flags: int, number: int) -> None:
        if flags & PADDED:
            begin, end = _unpadded(data, begin, end)
        if flags & WITH_PRIORITY:
            if end - begin < 5:
                raise ConnectionFault(FRAME_SIZE_ERROR, "a priority of less than five bytes")
            if number_at(data, begin) != number:
                flags &= ~WITH_PRIORITY  # what is left of it: that it depends on itself
            begin += 5
        if end - begin > self._most:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "a head is too large")
        if flags & END_HEADERS:
            self._block_came(data[begin:end], flags, number)
        else:
            if not number:
                raise ConnectionFault(PROTOCOL_ERROR, "a head of no stream")
            self._block = [data[begin:end]]
            self._block_size = end - begin
            self._block_of = number, flags

    def _continuation(self, data: bytes, begin: int, end: int, flags: int, number: int) -> None:
        block = self._block
        if block is None or number != self._block_of[0]:
            raise ConnectionFault(PROTOCOL_ERROR, "it continues nothing")
        block.append(data[begin:end])
        self._block_size += end - begin
        if self._block_size > self._most or len(block) > PIECES:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "a head is too large")
        if flags & END_HEADERS:
            self._block = None
            self._block_came(b"".join(block), self._block_of[1], number)

    def _block_came(self, block: bytes, flags: int, number: int) -> None:
        try:
            fields = self._decoder.decode(block)
        except TooLarge as large:
            raise ConnectionFault(ENHANCE_YOUR_CALM, str(large)) from None
        except HpackError as error:
            raise ConnectionFault(COMPRESSION_ERROR, str(error)) from None
        end = bool(flags & END_STREAM)
        stream = self.streams.get(number) or self._opened(number)
        if stream is None or stream.heard:
            self._stray(HEADERS, number)
        elif flags & WITH_PRIORITY:
            self._fault(number, PROTOCOL_ERROR)
        elif stream.begun:
            self._trailers(stream, fields, end=end)
        else:
            self._head(stream, fields, end=end)

    def _opened(self, number: int) -> StreamState | None:
        """Return a stream that the other side begins so, None if it may not."""
        raise NotImplementedError

    def _head(self, stream: StreamState, fields: Fields, *, end: bool) -> None:
        """The head of a request, or one of an answer, has come."""
        raise NotImplementedError

    def _trailers(self, stream: StreamState, fields: Fields, *, end: bool) -> None:
        if not end or stream.left > 0:
            self._fault(stream.number, PROTOCOL_ERROR)
            return
        self._end_came(stream, fields)

    def _end_came(self, stream: StreamState, trailers: Fields) -> None:
        self._heard(stream)
        stream.receiver.end_came(trailers)

    def _heard(self, stream: StreamState) -> None:
        stream.heard = True
        if stream.said:
            self.streams.pop(stream.number, None)

    _takers = every_kind(
        {**ControlFrames.takers, DATA: _data, HEADERS: _headers, CONTINUATION: _continuation}
    )


def _unpadded(data: bytes, begin: int, end: int) -> tuple[int, int]:
    """Return where the payload of a padded frame begins and ends. Raises: ConnectionFault."""
    if begin == end:
        raise ConnectionFault(FRAME_SIZE_ERROR, "padded, and without a length of that")
    padding = data[begin]
    if padding >= end - begin:
        raise ConnectionFault(PROTOCOL_ERROR, "more padding than there is frame")
    return begin + 1, end - padding
