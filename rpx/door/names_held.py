"""Which names are whose: a name belongs to one member at a time, for whatever paths."""

from __future__ import annotations

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from rpx.door.member import DoorMember

WILDCARD: Final = "*."


class NamesHeld:
    """Names and their holders. `*` is exactly one label, and a whole name goes before it."""

    __slots__ = ("_exact", "_wild")

    def __init__(self) -> None:
        self._exact: dict[str, DoorMember] = {}
        self._wild: dict[str, DoorMember] = {}  # by what stands behind `*.`

    def find(self, name: str) -> DoorMember | None:
        """Return who has this name (in lower case, without port), by itself or by a wildcard."""
        found = self._exact.get(name)
        return found if found is not None else self._wild.get(name.partition(".")[2])

    def taken(self, names: Sequence[str], by: DoorMember) -> tuple[str, DoorMember] | None:
        """Return the first of these that somebody else holds, and who; None where all are free.

        A wildcard that covers somebody's name is no conflict; an equal one is.
        """
        for name in names:
            holder = self._at(name)
            if holder is not None and holder is not by:
                return name, holder
        return None

    def others(self, holder: DoorMember) -> list[str]:
        """Return the names of others that a wildcard of `holder`'s covers."""
        below = {rest for rest, whose in self._wild.items() if whose is holder}
        if not below:
            return []
        return sorted(
            name
            for name, whose in self._exact.items()
            if whose is not holder and name.partition(".")[2] in below
        )

    def put(self, names: Sequence[str], holder: DoorMember) -> None:
        """Let `holder` have these and no others. They are free, or its own."""
        self.drop(holder)
        for name in names:
            if name.startswith(WILDCARD):
                self._wild[name[2:]] = holder
            else:
                self._exact[name] = holder

    def drop(self, holder: DoorMember) -> None:
        """Take all names from a holder."""
        for table in (self._exact, self._wild):
            for name in [name for name, other in table.items() if other is holder]:
                del table[name]

    def _at(self, name: str) -> DoorMember | None:
        if name.startswith(WILDCARD):
            return self._wild.get(name[2:])
        return self._exact.get(name)
