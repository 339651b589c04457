"""What a running project has to tell: the buses of its events and of its output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from rpx.hub.bus import Bus
from rpx.hub.endpoint import Endpoint
from rpx.hub.lines import LineRing
from rpx.hub.process import Process
from rpx.model.status import OWN_WORDS, Event, Note, Printed, Routed


class Labelled(Protocol):
    """What has a label, which a note may be about."""

    @property
    def label(self) -> str: ...


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

    def say(self, text: str, about: Labelled | None = None) -> None:
        """Publish something rpx itself has to say."""
        self.events.publish(Note(text, about.label if about else ""))

    def routed(self, backend: Endpoint, path: bytes) -> None:
        """Publish which backend answered a request."""
        address = str(backend.spec.address)
        self.events.publish(Routed(path.decode("latin-1"), address))

    def print(self, process: Process, text: bytes) -> None:
        """Keep and publish lines that `process` printed, each with its newline."""
        self._print(process.label, process.lines, text)

    def murmur(self, process: Process, text: bytes) -> None:
        """Publish the beginning of a line that has no end yet, until there is more."""
        at = self._next(process.lines)
        process.lines.passing = Printed(process.label, at, text + b"\n", passing=True)
        self.lines.publish(process.lines.passing)

    def tell(self, text: bytes) -> None:
        """Keep and publish lines of rpx itself: its news, put into words."""
        self._print(OWN_WORDS, self.words, text)

    def _print(self, label: str, ring: LineRing, text: bytes) -> None:
        printed = Printed(label, self._next(ring), text)
        ring.append(printed)
        self.lines.publish(printed)

    def _next(self, ring: LineRing) -> float:
        return round(max(self._clock(), ring.latest + 1e-6), 6)
