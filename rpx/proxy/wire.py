"""What holds of every wire: how it ends early, and what an exchange asks of a client's."""

from __future__ import annotations

import math
from enum import Enum
from typing import Final, Protocol

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
