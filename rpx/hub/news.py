"""What a running project has to tell: the buses of its events and of its output."""

from __future__ import annotations

from collections.abc import Callable

from rpx.hub.bus import Bus
from rpx.hub.lines import LineRing
from rpx.hub.records import Backend
from rpx.model.status import OWN_WORDS, Event, Note, Printed, Routed


class News:
    """The part of the registry that tells. Publishing never waits, and decides nothing."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self.events: Bus[Event] = Bus()
        self.lines: Bus[Printed] = Bus()
        self.words = LineRing()  # what rpx itself has said last

    def now(self) -> float:
        """Return the time on the clock that events, lines and states have theirs from."""
        return self._clock()

    def say(self, text: str, backend: Backend | None = None) -> None:
        """Publish something rpx itself has to say."""
        self.events.publish(Note(text, backend.spec.label if backend else ""))

    def routed(self, backend: Backend, path: bytes) -> None:
        """Publish which backend answered a request."""
        address = str(backend.spec.address)
        self.events.publish(Routed(path.decode("latin-1"), address))

    def print(self, backend: Backend, text: bytes) -> None:
        """Keep and publish lines that `backend` printed, each with its newline."""
        self._print(backend.spec.label, backend.lines, text)

    def murmur(self, backend: Backend, text: bytes) -> None:
        """Publish the beginning of a line that has no end yet, until there is more."""
        at = self._next(backend.lines)
        backend.lines.passing = Printed(backend.spec.label, at, text + b"\n", passing=True)
        self.lines.publish(backend.lines.passing)

    def tell(self, text: bytes) -> None:
        """Keep and publish lines of rpx itself: its news, put into words."""
        self._print(OWN_WORDS, self.words, text)

    def _print(self, label: str, ring: LineRing, text: bytes) -> None:
        printed = Printed(label, self._next(ring), text)
        ring.append(printed)
        self.lines.publish(printed)

    def _next(self, ring: LineRing) -> float:
        return round(max(self._clock(), ring.latest + 1e-6), 6)
