"""One request at a time over HTTP/2, and the whole of its answer: as bytes, without I/O.

It is what checks and drills ask with. Requests that are somebody's go through the exchange.
"""

from __future__ import annotations

from typing import Final

from rpx.http.client_session import ClientSession
from rpx.http.hpack import Fields
from rpx.http.stream_state import StreamState

HEAD: Final = 65536  # bytes of a head
BODY: Final = 65536  # bytes of a body that are kept; whoever sends more is left


class H2Caller:
    """A connection. What is known of the answer to the last request:

    head      its fields, the last ones if interim answers came before; () until they are there
    body      its first bytes
    trailers  the fields behind it
    over      no more will come
    fault     why it will never be whole, in words
    """

    def __init__(self, now: float) -> None:
        """`now`: seconds on any clock, the same as in `feed`."""
        self._session = ClientSession(self, now, head=HEAD, window=BODY, total=BODY)
        self._stream: StreamState | None = None
        self._gone = False
        self._forget()

    def _forget(self) -> None:
        self.head: Fields = ()
        self.body = b""
        self.trailers: Fields = ()
        self.over = False
        self.fault = ""

    @property
    def reusable(self) -> bool:
        """Whether it may be asked again on this connection."""
        return self.over and not (self._gone or self.fault) and self._session.spare > 0

    def ask(self, fields: Fields, body: bytes) -> None:
        """Begin a request. The one before has to be over."""
        self._forget()
        self._stream = self._session.begin(self, fields, end=not body)
        if body:
            self._session.say_data(self._stream, body, end=True)

    def take(self) -> bytes:
        """Return what is to be sent now."""
        return self._session.take()

    def feed(self, data: bytes, now: float) -> None:
        """Take what has come. Raises: ConnectionFault when it is no HTTP/2."""
        self._session.feed(data, now)
        while self._session.more:
            self._session.feed(b"", now)

    # ---- what the session tells

    def head_came(self, fields: Fields) -> None:
        """The head of the answer, or an interim one."""
        self.head = fields

    def data_came(self, data: bytes) -> None:
        """A piece of the body."""
        self.body += data[: BODY - len(self.body)]
        if len(self.body) >= BODY:
            self.over = self._gone = True
        elif self._stream is not None:
            self._session.took(self._stream, len(data))

    def end_came(self, trailers: Fields) -> None:
        """That was all."""
        self.trailers, self.over = trailers, True

    def reset_came(self, code: int, *, refused: bool) -> None:
        """It is over, and there is no answer."""
        self.over = True
        self.fault = "refused the request" if refused else f"reset the request (error {code})"

    def windows_opened(self) -> None:
        """More may be sent, which a small request doesn't need."""

    def settings_came(self) -> None:
        """How the other side wants things."""

    def settings_known(self) -> None:
        """The other side knows how we do."""

    def pong_came(self, data: bytes) -> None:
        """Nobody has asked."""

    def goaway_came(self, last: int, code: int) -> None:  # noqa: ARG002 - as of SessionUser
        """It closes; what it has taken it still answers."""
        self._gone = True
