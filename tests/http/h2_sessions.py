"""Sessions of HTTP/2 in a test's hand: what they tell is written down."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rpx.http import frames
from rpx.http.client_session import ClientSession
from rpx.http.frames import PREFACE, ConnectionFault, frame
from rpx.http.hpack import Encoder, Fields
from rpx.http.server_session import ServerSession
from rpx.http.session import Http2Session
from rpx.http.stream_state import StreamState

HEAD = 1000  # bytes of a head that the server announces
WINDOW, TOTAL = 70_000, 200_000
GET: Fields = (
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"api.localhost"),
    (b":path", b"/"),
)
OK: Fields = ((b":status", b"200"), (b"content-type", b"text/plain"))
SETTINGS = frame(frames.SETTINGS, 0, 0)
PING = frame(frames.PING, 0, 0, bytes(8))


class Notes:
    """Whom sessions and streams tell: `told` has it all in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.streams: dict[int, StreamState] = {}

    def bytes_of(self, number: int) -> int:
        """Return how much data has come on a stream, on all for 0."""
        data = [each for each in self.told if each[0] == "data"]
        return sum(len(each[2]) for each in data if number in {0, each[1]})

    def request_came(self, stream: StreamState, fields: Fields) -> None:
        self.told.append(("request", stream.number, fields, stream.heard))
        self.streams[stream.number] = stream
        stream.receiver = StreamNotes(self, stream.number)

    def windows_opened(self) -> None:
        self.told.append(("opened",))

    def settings_came(self) -> None:
        self.told.append(("settings",))

    def settings_known(self) -> None:
        self.told.append(("known",))

    def pong_came(self, data: bytes) -> None:
        self.told.append(("pong", data))

    def goaway_came(self, last: int, code: int) -> None:
        self.told.append(("goaway", last, code))


class StreamNotes:
    """Whom one stream tells."""

    def __init__(self, notes: Notes, number: int) -> None:
        self._told, self._number = notes.told, number

    def head_came(self, fields: Fields) -> None:
        self._told.append(("head", self._number, fields))

    def data_came(self, data: bytes) -> None:
        self._told.append(("data", self._number, data))

    def end_came(self, trailers: Fields) -> None:
        self._told.append(("end", self._number, trailers))

    def reset_came(self, code: int, *, refused: bool) -> None:
        self._told.append(("reset", self._number, code, refused))


def server(*, begun: bool = True) -> tuple[ServerSession, Notes]:
    """Return a server's side; `begun`: its client has greeted it, and nothing has been told."""
    notes = Notes()
    session = ServerSession(notes, 0.0, head=HEAD, window=WINDOW, total=TOTAL, streams=100)
    if begun:
        session.feed(PREFACE + SETTINGS, 0.0)
        session.take()
        notes.told.clear()
    return session, notes


def asking(*, begun: bool = True) -> tuple[ClientSession, Notes]:
    """Return a client's side; `begun` as above."""
    notes = Notes()
    session = ClientSession(notes, 0.0, head=HEAD, window=WINDOW, total=TOTAL)
    if begun:
        session.feed(SETTINGS, 0.0)
        session.take()
        notes.told.clear()
    return session, notes


def request(number: int, fields: Fields = GET, *, end: bool = True, more: int = 0) -> bytes:
    """Return the HEADERS of a request, with `more` flags."""
    flags = frames.END_HEADERS | (frames.END_STREAM if end else 0) | more
    return frame(frames.HEADERS, flags, number, Encoder().encode(fields))


def data(number: int, payload: bytes, *, end: bool = False) -> bytes:
    """Return a DATA."""
    return frame(frames.DATA, frames.END_STREAM if end else 0, number, payload)


def said(session: ServerSession | ClientSession) -> list[tuple[int, int, int, bytes]]:
    """Return what a session says: kind, flags, stream and payload of each frame."""
    return list(frames_in(session.take()))


def frames_in(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """Take whole frames apart."""
    at = 0
    while at < len(data):
        high, low, kind, flags, number = frames.HEAD.unpack_from(data, at)
        begin = at + frames.SIZE
        at = begin + (high << 8 | low)
        yield kind, flags, number, data[begin:at]


def talk(one: Http2Session, other: Http2Session, *, cut: int = 10_000) -> None:
    """Let both sides hear what the other has said, in pieces, until nobody says more."""
    while one.waiting or other.waiting:
        for source, target in ((one, other), (other, one)):
            words = source.take()
            for at in range(0, len(words), cut):
                target.feed(words[at : at + cut], 0.0)
            while target.more:
                target.feed(b"", 0.0)


def fed(session: Http2Session, came: bytes, times: int, now: float = 0.0) -> int:
    """Feed the same so many times; return the code with which that ends the connection, or -1."""
    try:
        for _ in range(times):
            session.feed(came, now)
    except ConnectionFault as fault:
        return fault.code
    return -1
