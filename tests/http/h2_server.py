"""A server of HTTP/2 without sockets: it answers as told, and judges requests as the proxy does."""

from __future__ import annotations

from rpx.http import frames
from rpx.http.fields import Malformed, read_fields, read_trailers
from rpx.http.frames import PREFACE, ConnectionFault
from rpx.http.hpack import Fields
from rpx.http.server_session import ServerSession
from rpx.http.stream_state import StreamState
from tests.http.h2_sessions import HEAD, SETTINGS, TOTAL, WINDOW, frames_in

CODES = {
    getattr(frames, name): name
    for name in (
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "FLOW_CONTROL_ERROR",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "ENHANCE_YOUR_CALM",
    )
}


class Server:
    """Requests for `/now` are answered and over at once, those for `/cut` are reset.

    Nothing is taken of bodies: windows do not open.
    """

    def __init__(self) -> None:
        self.session = ServerSession(self, 0.0, head=HEAD, window=WINDOW, total=TOTAL, streams=100)

    def request_came(self, stream: StreamState, fields: Fields) -> None:
        try:
            asked = read_fields(fields, ended=stream.heard)
        except Malformed:
            self.session.refuse(stream, frames.PROTOCOL_ERROR)
            return
        if not stream.heard:
            stream.left = asked.counted
        stream.receiver = Upload(self.session, stream)
        if asked.path == b"/now":
            self.session.say_head(stream, ((b":status", b"204"),), end=True)
        elif asked.path == b"/cut":
            self.session.say_reset(stream, frames.CANCEL)

    def windows_opened(self) -> None:
        """Nothing waits for one."""

    def settings_came(self) -> None:
        """Nothing depends on them."""

    def settings_known(self) -> None:
        """Nobody waits for that."""

    def pong_came(self, data: bytes) -> None:
        """Nobody has asked."""

    def goaway_came(self, last: int, code: int) -> None:
        """Nothing is begun by us."""

    def met(self, came: bytes, size: int) -> str:
        """Feed it in pieces of so many bytes; return what is said, in the words of the data."""
        session = self.session
        end = ""
        try:
            for at in range(0, len(came), size):
                session.feed(came[at : at + size], 0.0)
            while session.more:
                session.feed(b"", 0.0)
        except ConnectionFault as fault:
            end = f"connection {CODES[fault.code]}"
        return "; ".join(filter(None, [*map(worded, frames_in(session.take())), end]))


class Upload:
    """Takes a body; trailers are judged as the proxy does."""

    def __init__(self, session: ServerSession, stream: StreamState) -> None:
        self._session, self._stream = session, stream

    def head_came(self, fields: Fields) -> None:
        """A request has only one, which makes the stream."""

    def data_came(self, data: bytes) -> None:
        """It stays where it is: windows must not open."""

    def end_came(self, trailers: Fields) -> None:
        try:
            read_trailers(trailers)
        except Malformed:
            self._session.refuse(self._stream, frames.PROTOCOL_ERROR)

    def reset_came(self, code: int, *, refused: bool) -> None:
        """Nobody works for it."""


def worded(frame: tuple[int, int, int, bytes]) -> str:
    kind, flags, number, payload = frame
    if kind == frames.RST_STREAM:
        return f"stream {number} {CODES[int.from_bytes(payload, 'big')]}"
    if kind == frames.PING:
        return f"PING {'ACK' if flags & 1 else ''} {payload.hex()}"
    if kind == frames.SETTINGS:
        return "SETTINGS ACK" if flags & 1 else "SETTINGS"
    return "" if kind == frames.WINDOW_UPDATE else f"HEADERS {number}"


def greeted() -> Server:
    """Return one whose client has greeted it."""
    server = Server()
    server.session.feed(PREFACE + SETTINGS, 0.0)
    server.session.take()
    return server
