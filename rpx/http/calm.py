"""How many frames for nothing are borne: those that cost their sender little, and us something.

RFC 9113 §10.5. A browser that loads a page of some hundred modules anew cancels up to as many
streams as it may have open, at each save of a file. An attack by reset has tens of thousands a
second.
"""

from __future__ import annotations

from rpx.http.frames import ENHANCE_YOUR_CALM, ConnectionFault

BURST = 1000.0  # frames for nothing, at once
RATE = 500.0  # and each second from then on


class Calm:
    """Counts them. `now`: seconds on any clock, to be set when something comes."""

    __slots__ = ("_left", "_since", "due", "now")

    def __init__(self, now: float) -> None:
        self.now = self._since = now
        self._left = BURST
        self.due = 0  # acknowledgements of what we have sent: each piece of a body may have two

    def spend(self) -> None:
        """Another one. Raises: ConnectionFault when it is one too many."""
        self._left = min(BURST, self._left + (self.now - self._since) * RATE) - 1
        self._since = self.now
        if self._left < 0:
            raise ConnectionFault(ENHANCE_YOUR_CALM, "too many frames for nothing")

    def acknowledged(self) -> None:
        """A WINDOW_UPDATE or PING. Raises: ConnectionFault when more come than there was data."""
        if self.due:
            self.due -= 1
        else:
            self.spend()
