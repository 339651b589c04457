"""Who accepts at an entrance: the door, or a member that is alone there and does so itself."""

from __future__ import annotations

from functools import partial

from rpx.door.door_frames import ALONE, HALT, frame

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Final

    from rpx.door.coming_in import ComingIn
    from rpx.door.entrances import DoorEntrance
    from rpx.door.hall import Hall
    from rpx.door.member import DoorMember

HALTING: Final = 0.5  # seconds for a member to say that it accepts no more


class Acceptance:
    """Never is nobody there: whoever stops says so before the other begins, or has had its time."""

    def __init__(self, hall: Hall, coming_in: ComingIn, lost: Callable[[DoorMember], None]) -> None:
        self.hall = hall
        self.coming_in = coming_in
        self.lost = lost

    def settle(self) -> None:
        """Let a member that is alone accept for itself: nothing is between it and its clients."""
        for entrance in list(self.hall.entrances.all.values()):
            alone = next(iter(entrance.users)) if len(entrance.users) == 1 else None
            if alone is not None and not alone.about["accepts"]:
                alone = None
            if entrance.halting or (entrance.sole is not None and entrance.sole is alone):
                continue
            if entrance.sole is not None:
                self._halt(entrance, entrance.sole)
            elif alone is not None:
                entrance.sole = alone
                self.coming_in.shut(entrance)
                self._tell(alone, ALONE, entrance)
            else:
                self.coming_in.open(entrance)

    def halted(self, numbers: Iterable[int]) -> None:
        """Whoever accepted at these entrances doesn't any more, or has had its time to stop."""
        for number in numbers:
            entrance = self.hall.entrances.all.get(number)
            if entrance is not None and entrance.halting:
                entrance.halting = False
                self.settle()

    def leave(self, member: DoorMember, entrance: DoorEntrance) -> None:
        """A member uses an entrance no more."""
        entrance.users.pop(member, None)
        if entrance.sole is member:
            entrance.sole = None
        if not entrance.users and not entrance.machine:
            self.coming_in.shut(entrance)
            self.hall.entrances.discard(entrance)

    def _halt(self, entrance: DoorEntrance, sole: DoorMember) -> None:
        entrance.sole = None
        entrance.halting = True
        self._tell(sole, HALT, entrance)
        self.hall.timers.after(HALTING, partial(self.halted, (entrance.id,)))

    def _tell(self, member: DoorMember, kind: int, entrance: DoorEntrance) -> None:
        if member.say(frame(kind, bytes([entrance.id]))):
            self.hall.mind(member)
        else:
            self.lost(member)
