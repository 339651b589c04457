"""What the parts of the door share: who is here, where it listens, and what it waits for."""

from __future__ import annotations

import sys
import time

from rpx.door.names_held import NamesHeld
from rpx.door.poller import Poller, Timers

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from rpx.door.entrances import Entrances
    from rpx.door.member import DoorMember
    from rpx.door.records import Records


MOST_NOTES: Final = 1000  # in the log of one door: a member that is mad comes again and again
PATIENCE: Final = 10.0  # seconds for a client to say whom it wants, from its first byte on


class Hall:
    """A running door. `handlers`: who is told what the poller says of a descriptor."""

    def __init__(
        self, entrances: Entrances, records: Records, *, patience: float = PATIENCE
    ) -> None:
        self.entrances = entrances
        self.records = records
        self.poller = Poller()
        self.timers = Timers()
        self.claims = NamesHeld()
        self.members: dict[DoorMember, None] = {}  # in the order in which they joined
        self.handlers: dict[int, Callable[[int], None]] = {}
        self.since = time.time()
        self.patience = patience
        self.outdated = False  # what is loaded only now is of another rpx: it has been replaced
        self._notes = 0

    def owner(self, name: str, entrance: int) -> DoorMember | None:
        """Return who has a name, and is reached by the entrance of that id; None if nobody is."""
        member = self.claims.find(name)
        if member is None:
            return None
        found = self.entrances.all.get(entrance)
        return member if found is not None and member in found.users else None

    def eldest(self, entrance: int, *, tls: bool = False) -> DoorMember | None:
        """Return who joined first of those who are reached there. `tls`: only where that is."""
        found = self.entrances.all.get(entrance)
        if found is None or (tls and not found.tls):
            return None
        return next(iter(found.users), None)

    def is_alone(self, entrance: int) -> bool:
        """Tell whether one member alone is reached there."""
        found = self.entrances.all.get(entrance)
        return found is not None and len(found.users) == 1

    def handle(self, fd: int, handler: Callable[[int], None]) -> None:
        """Let `handler` have what the poller says of `fd`."""
        self.handlers[fd] = handler

    def unhandle(self, fd: int) -> None:
        """Nobody wants to know of it."""
        self.handlers.pop(fd, None)

    def mind(self, member: DoorMember) -> None:
        """Hear when a member reads again, if something waits for it."""
        if member.blocked != member.minded:
            member.minded = member.blocked
            self.poller.change(member.fd, writable=member.blocked)

    def note(self, text: str) -> None:
        """Write into the log, unless too much is there already."""
        self._notes += 1
        if self._notes > MOST_NOTES:
            return
        try:
            print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201
        except OSError:
            pass  # the disk is full

    def report(self) -> None:
        """Write down the exception that is being handled."""
        from traceback import format_exc  # noqa: PLC0415 - it has half a megabyte

        self.note(format_exc())
        if isinstance(sys.exc_info()[1], ImportError):
            self.outdated = True
