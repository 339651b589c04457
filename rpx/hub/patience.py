"""How long rpx waits for others. Losing patience shortens every wait; it skips no step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import trio


class Patience:
    """A second Ctrl-C calls `lose()`: every bounded wait that runs, or begins later, ends now."""

    def __init__(self) -> None:
        self._waits: set[trio.CancelScope] = set()
        self.lost = False

    @contextmanager
    def within(self, seconds: float = math.inf) -> Iterator[trio.CancelScope]:
        """Run the body for at most `seconds`, or until patience is lost."""
        with trio.move_on_after(0 if self.lost else seconds) as wait:
            self._waits.add(wait)
            try:
                yield wait
            finally:
                self._waits.discard(wait)

    def lose(self) -> None:
        """End every wait, now and from now on."""
        self.lost = True
        for wait in self._waits:
            wait.cancel(reason="out of patience")
