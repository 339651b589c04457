"""After a door that has ended: its members are waited for before anybody else gets a name."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Final

    from rpx.door.hall import Hall
    from rpx.door.member import DoorMember
    from rpx.door.messages import MemberHello
    from rpx.door.visitor import Visitor

    Early = tuple[DoorMember, MemberHello, list[int]]

GROWING: Final = 2.0  # seconds: so long they are waited for
LOOKING: Final = 0.1  # between two looks whether they still live


class Succession:
    """Who is to come back. Whoever says HELLO meanwhile, and isn't one of them, has to wait; so has
    a client that is given back (`clients`), as its name may be that of one of them.

    `over` is called once, with those who have said it, when all are back, have ended, or have had
    their time.
    """

    def __init__(self, hall: Hall, over: Callable[[list[Early]], None]) -> None:
        self._hall = hall
        self._over = over
        self._expected = hall.records.awaited = hall.records.expected()
        self._early: list[Early] = []
        self.clients: list[Visitor] = []
        if self._expected:
            hall.timers.after(GROWING, self._end)
            hall.timers.after(LOOKING, self._look)

    @property
    def waits(self) -> bool:
        """Somebody is to come back."""
        return bool(self._expected)

    def keep(self, member: DoorMember, about: MemberHello, fds: list[int]) -> bool:
        """Keep a HELLO for later, with its descriptors; False: it is to be done now."""
        if not self._expected or about["run_id"] in self._expected or member.joined:
            return False
        self._early.append((member, about, fds.copy()))
        fds.clear()
        return True

    def keep_client(self, visitor: Visitor) -> bool:
        """Keep one that a member has given back; False: whoever has its name is here."""
        if self._expected:
            self.clients.append(visitor)
        return bool(self._expected)

    def came(self, run_id: str) -> None:
        """A member has joined, maybe one of those."""
        if run_id in self._expected:
            self._expected.discard(run_id)
            if not self._expected:
                self._end(last=True)

    def _look(self) -> None:
        """Wait for nobody who has ended as well."""
        if self._expected:
            self._expected &= self._hall.records.expected()
            if self._expected:
                self._hall.timers.after(LOOKING, self._look)
            else:
                self._end(last=True)

    def _end(self, *, last: bool = False) -> None:
        if self._expected or last:
            self._expected.clear()
            early, self._early = self._early, []
            self._over(early)
