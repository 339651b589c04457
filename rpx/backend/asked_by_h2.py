"""One request by HTTP/2 to a backend, and the whole of its answer: what a check needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import trio

from rpx.http.client_session import ClientSession
from rpx.http.frames import ConnectionFault
from rpx.http.hpack import Fields
from rpx.http.protocols import spoken
from rpx.policy.protocol_hints import HTTP_2, speaks

HEAD: Final = 65536  # bytes of a head
BODY: Final = 65536  # bytes of a body that are read: a check needs less
_GOES = "said goodbye (GOAWAY) before it had answered"


class NoH2Answer(Exception):
    """Why there is none, in words."""


@dataclass(slots=True)
class H2Answer:
    """What has come: the last head, the body's first bytes, the fields behind it."""

    head: Fields = ()
    body: bytes = b""
    trailers: Fields = ()
    over: bool = False
    fault: str = ""
    _seen: int = field(default=0)

    def head_came(self, fields: Fields) -> None:
        """The head of the answer, or an interim one."""
        self.head = fields

    def data_came(self, data: bytes) -> None:
        """A piece of the body. It isn't returned to the window: no more is wanted."""
        self._seen += len(data)
        self.body += data[: BODY - len(self.body)]
        self.over = self._seen >= BODY

    def end_came(self, trailers: Fields) -> None:
        """That was all."""
        self.trailers, self.over = trailers, True

    def reset_came(self, code: int, *, refused: bool) -> None:
        """It is over, and there is no answer."""
        self.over = True
        self.fault = "refused the request" if refused else f"reset the request (error {code})"

    # ---- what concerns the connection

    def windows_opened(self) -> None:
        """More may be sent, which a check doesn't need."""

    def settings_came(self) -> None:
        """How it wants things."""

    def settings_known(self) -> None:
        """It knows how we do."""

    def pong_came(self, data: bytes) -> None:
        """Nobody has asked."""

    def goaway_came(self, last: int, code: int) -> None:  # noqa: ARG002 - as of SessionUser
        """It closes; what it has taken it still answers."""
        if not last:
            self.over, self.fault = True, _GOES


async def ask_by_h2(
    stream: trio.abc.Stream, fields: Sequence[tuple[bytes, bytes]], body: bytes
) -> H2Answer:
    """Ask on a new connection; the caller closes it, and bounds the time.

    Raises: NoH2Answer.
    """
    answer = H2Answer()
    session = ClientSession(answer, trio.current_time(), head=HEAD, window=BODY, total=BODY)
    asked = session.begin(answer, tuple(fields), end=not body)
    if body:
        session.say_data(asked, body, end=True)
    first = b""
    try:
        await stream.send_all(session.take())
        while not answer.over:
            data = bytes(await stream.receive_some())
            if not data:
                raise NoH2Answer("closed the connection before it had answered")
            first = first or data
            session.feed(data, trio.current_time())
            if said := session.take():
                await stream.send_all(said)
    except ConnectionFault as fault:
        raise NoH2Answer(speaks(spoken(first), HTTP_2) if not answer.head else str(fault)) from None
    except (trio.BrokenResourceError, OSError):
        raise NoH2Answer("broke the connection off before it had answered") from None
    if answer.fault:
        raise NoH2Answer(answer.fault)
    return answer
