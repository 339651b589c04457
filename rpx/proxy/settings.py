"""What a user may have said of how requests are treated, as one value."""

from __future__ import annotations

from dataclasses import dataclass

from rpx.http.limits import DEFAULT, MessageLimits
from rpx.hub.descriptors import room_for_clients
from rpx.model.own_settings import Limits, Timeouts


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds from the next request on. A reload replaces it as a whole.

    `heads` are the limits as those who read heads know them. `clients`: how many can be connected
    at once, which depends on the limit of open files, too.
    """

    verbose: bool
    timeouts: Timeouts
    limits: Limits
    heads: MessageLimits
    clients: int

    @classmethod
    def of(
        cls,
        *,
        verbose: bool = False,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
    ) -> Settings:
        """Return them with what follows from them on this machine."""
        limits = limits or Limits()
        heads = MessageLimits(
            head=limits.head,
            lines=limits.head_lines,
            answer_lines=max(limits.head_lines, DEFAULT.answer_lines),
            target=limits.target,
        )
        clients = min(limits.connections, room_for_clients())
        return cls(verbose, timeouts or Timeouts(), limits, heads, clients)
