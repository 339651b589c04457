"""When changes of a service's files are acted upon: once for each burst, and not in circles."""

from __future__ import annotations

from typing import Final

QUIET: Final = 0.3  # seconds without a change after which a burst is over: builds pause for less
LONGEST: Final = 10.0  # seconds that a burst may last; what goes on then isn't waited for
SOON: Final = 1.0  # seconds after a restart in which a change may well be the service's own
# Restarts like that, for the same file, before they are called a circle: who mends a mistake saves
# one file some times in a row, too.
IN_A_ROW: Final = 6
OF_ANY_FILE: Final = 12  # likewise, whatever the files are: some names are new each time
SLOWEST: Final = 30.0  # seconds between restarts in a circle


class Bursts:
    """Of one service. Times are seconds of any clock.

    A service that writes a file which is watched is restarted by it, and writes it again. That is a
    circle: restarts come ever more slowly then, but for changes of other files. Where the files are
    others each time, all restarts do.
    """

    def __init__(self) -> None:
        self.circle: frozenset[str] = frozenset()  # the files that were in each of the last bursts
        self.streak = 0  # restarts for these in a row, each soon after the one before
        self.unexplained = 0  # restarts as soon that no circle was known for
        self._paths: set[str] = set()
        self._first = self._last = 0.0
        self._back = -SOON  # when the last restart was over
        self._soon = False

    def change(self, path: str, now: float) -> None:
        """A file has changed."""
        if not self._paths:
            self._first = now
            self._soon = now - self._back < SOON
        self._paths.add(path)
        self._last = now

    def pause(self, now: float) -> float:
        """Return how long to wait yet, 0 when it is time for a restart."""
        due = min(self._last + QUIET, self._first + LONGEST)
        known = self.streak - IN_A_ROW if self._paths <= self.circle else -1
        turns = max(known, self.unexplained - OF_ANY_FILE)
        if self._soon and turns >= 0:
            due = max(due, self._first + min(2.0 ** min(turns, 10), SLOWEST))
        return max(0.0, due - now)

    def begin(self) -> str:
        """A restart begins. Return the file that seems to be changed by the service itself, when
        that is to be said.
        """
        again = self.circle & self._paths if self._soon else frozenset[str]()
        self.streak = self.streak + 1 if again else 1
        self.circle = again or frozenset(self._paths)
        if not self._soon:
            self.unexplained = 0
        elif self.streak <= IN_A_ROW:
            self.unexplained += 1
        self._paths.clear()
        self._back = float("inf")  # what changes until it is over is soon in any case
        told = self.streak == IN_A_ROW or (not again and self.unexplained == OF_ANY_FILE)
        return min(self.circle) if told else ""

    def over(self, now: float) -> None:
        """The restart has come to an end."""
        self._back = now
