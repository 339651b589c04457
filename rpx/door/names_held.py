"""Which names are whose: a name belongs to one member at a time, for whatever paths."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from rpx.door.member import DoorMember

WILDCARD: Final = "*."
ANY: Final = "*"
OWN: Final = "rpx.localhost"  # the door's: not for who takes any


class NamesHeld:
    """Names and their holders. `*.` is exactly one label, and a whole name goes before it. `*` is
    any that nobody has otherwise.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, DoorMember] = {}

    def find(self, name: str) -> DoorMember | None:
        """Return who gets clients that ask for this name (in lower case, without port), or for none
        at all ("").
        """
        found = self.named(name)
        return found if found is not None or name == OWN else self._held.get(ANY)

    def named(self, name: str) -> DoorMember | None:
        """Return who has this name by itself or by a wildcard, and not because it takes any."""
        found = self._held.get(name)
        return found if found is not None else self._held.get(WILDCARD + name.partition(".")[2])

    def taken(self, names: Sequence[str], by: DoorMember) -> tuple[str, DoorMember] | None:
        """Return the first of these that somebody else holds, and who; None where all are free.

        A wildcard that covers somebody's name is no conflict; an equal one is.
        """
        for name in names:
            holder = self._held.get(name)
            if holder is not None and holder is not by:
                return name, holder
        return None

    def others(self, holder: DoorMember) -> list[str]:
        """Return the names of others that a wildcard of `holder`'s covers; where it takes any, all
        that there are, with their wildcards and the door's own.
        """
        others = [name for name, whose in self._held.items() if whose is not holder]
        if self._held.get(ANY) is holder:
            return sorted({*others, OWN})
        below = {
            name.removeprefix(WILDCARD)
            for name, whose in self._held.items()
            if whose is holder and name.startswith(WILDCARD)
        }
        return sorted(name for name in others if name[0] != ANY and name.partition(".")[2] in below)

    def put(self, names: Sequence[str], holder: DoorMember) -> None:
        """Let `holder` have these and no others. They are free, or its own."""
        self.drop(holder)
        self._held |= dict.fromkeys(names, holder)

    def drop(self, holder: DoorMember) -> None:
        """Take all names from a holder."""
        for name in [name for name, other in self._held.items() if other is holder]:
            del self._held[name]
