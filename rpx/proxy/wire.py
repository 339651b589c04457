"""What holds of every wire: how it ends early, and what an exchange asks of it."""

from __future__ import annotations

import math
from collections.abc import Awaitable
from enum import Enum
from typing import Final, Protocol

from rpx.http.memory import ResponseMemory
from rpx.hub.seats import Seat
from rpx.policy.retry import Failure

NEVER: Final = math.inf
Buffers = list[bytes]


class Cut(Enum):
    """Why a wire was cut from outside while its task was waiting on it."""

    GONE = "the client has gone"
    LATE = "a time limit has passed"
    DRAINED = "rpx is going down"
    UNREAD = "it takes nothing of what it is sent"


class NotSent(ConnectionError):
    """The very first byte could not be sent: the other side has seen nothing."""


class WireCut(Exception):
    """Another task has cut this wire; `cut` says why."""

    def __init__(self, cut: Cut) -> None:
        super().__init__(cut.value)
        self.cut = cut


class Nudged(Exception):
    """Another task wants whoever reads here to look up: nothing has come, and nothing is lost."""


class ClientWire(Protocol):
    """What takes bodies to a client, and brings them: a wire, or what passes for one."""

    plain: bool
    deadline: float
    stuck: float
    nudged: bool

    def takes_nothing(self, now: float, patience: float) -> bool:
        """As Wire.takes_nothing."""

    async def receive(self) -> bytes:
        """As Wire.receive."""

    async def expect(self) -> bytes:
        """As Wire.expect."""

    async def send(self, data: bytes) -> None:
        """As Wire.send."""

    async def send_pieces(self, pieces: Buffers) -> None:
        """As Wire.send_pieces."""

    async def finish_sending(self) -> None:
        """As Wire.finish_sending."""

    def give_way_soon(self) -> None:
        """As Wire.give_way_soon."""

    def nudge(self) -> None:
        """As Wire.nudge."""

    def cut(self, why: Cut) -> None:
        """As Wire.cut."""


class Body(Protocol):
    """The body of a request, as far as it has been read."""

    @property
    def pieces(self) -> Buffers:
        """That, or nothing if it isn't kept."""

    @property
    def end(self) -> bytes | None:
        """Its trailers, as lines with their CRLF, once all of it has been read."""

    def framed(self, pieces: Buffers) -> Buffers:
        """Return pieces of it as HTTP/1.1 has them: chunked, if its length isn't told."""


class BackendWire(ClientWire, Protocol):
    """What takes a request to a backend, and brings the answer: a wire, or what passes for one.

    Heads are as HTTP/1.1 has them. `memory` is of its answers. `end`: the trailers of a body that
    ends with what has been received; None: more may come. `code`: with which the backend has reset
    it (RFC 9113 §7); None: it has not. The rest is as of a Wire.
    """

    reused: bool
    memory: ResponseMemory
    seat: Seat

    @property
    def code(self) -> int | None: ...

    @property
    def end(self) -> bytes | None: ...

    def ask(self, head: bytes, body: Body | None) -> Awaitable[None]:
        """As Wire.ask."""

    def send_body(self, body: Body, pieces: Buffers) -> Awaitable[None]:
        """As Wire.send_body."""

    async def receive_soon(self) -> bytes | None:
        """As Wire.receive_soon."""

    async def give_way(self) -> None:
        """As Wire.give_way."""

    def acknowledge(self) -> None:
        """As Wire.acknowledge."""

    def broken(self) -> Failure:
        """As Wire.broken."""

    def drop(self) -> None:
        """As Wire.drop."""
