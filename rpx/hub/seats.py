"""Connections to one place: those at rest, those that wait, and how many it can serve at once.

A server with one thread (Python's `HTTPServer`) stays with a connection as long as that stands:
while one rests for the next request, nobody else is served. What a server can do is not known, but
it shows: one that answers on a new connection while others stand has *seats* for all of them. When
there are more connections than it has shown seats, those at rest make room.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import trio

MOST = 256  # connections at rest, for each owner
PATIENCE = 0.05  # seconds that a new connection may wait while more stand than there are seats
LONGER = 0.2  # seconds that it may wait in any case, and that another may rest meanwhile
TICK = 1.0  # seconds between looks at those that rest, while nobody waits
SOON = 1.0  # seconds of rest: who closes a connection earlier than that should say so
SILENT = 3  # connections in a row that ended so: no more are kept


class Owner(Hashable, Protocol):
    """Whose requests a connection is for."""

    in_rotation: bool


class Resting(Protocol):
    """A connection that can rest. `since` and `deadline` are in seconds on trio's clock."""

    since: float
    deadline: float
    seat: Seat
    reused: bool

    def is_quiet(self) -> bool:
        """Whether it still stands, and nothing has come that nobody asked for."""

    def close(self) -> None:
        """Close it."""


class Seat:
    """One connection as the other side has to serve it, from the first call on."""

    __slots__ = ("held", "seats", "since")

    def __init__(self, seats: Seats, since: float) -> None:
        self.seats = seats
        self.since = since
        self.held = True  # it counts: the other side may be busy with it


class Seats:
    """The connections to one place, whoever shares it. `heard`: when it answered last."""

    __slots__ = (
        "__weakref__",
        "_deaths",
        "_shown",
        "_standing",
        "_waiting",
        "_yielded",
        "heard",
        "idle",
        "speaks",
    )

    def __init__(self) -> None:
        self.idle: dict[Owner, list[Any]] = {}  # Resting; that used last is the last
        self._waiting: dict[Seat, None] = {}  # new, and not answered yet; the oldest first
        self._standing = 0  # all connections, new ones and checks too
        self.heard = -math.inf
        self.renew()

    def renew(self) -> None:
        """Another process serves here: what was seen of the old one says nothing."""
        self._shown = 1  # connections that it has served at once
        self._yielded = 0  # times that others waited in vain for one at rest
        self._deaths = 0  # connections in a row that were closed at once
        self.speaks: str | None = None  # a protocol that isn't HTTP; None: nobody has asked

    @property
    def empty(self) -> bool:
        """Whether there are no connections."""
        return not self._standing

    # ---- those that are new

    def enter(self, now: float) -> Seat:
        """Count a connection that is about to be made. Those at rest make room for it."""
        while self._standing >= self._shown and (resting := self._oldest()) is not None:
            self._close(resting)
        seat = Seat(self, now)
        self._waiting[seat] = None
        self._standing += 1
        return seat

    def served(self, seat: Seat, *, keeps: bool) -> None:
        """Its first answer has come. `keeps`: the other side will stay with the connection."""
        self._waiting.pop(seat, None)
        if not keeps:
            self.leave(seat)
        elif self._standing - len(self._waiting) > self._shown:
            self._bury()  # who has gone doesn't stand beside it
            shown = self._standing - len(self._waiting)
            if shown > self._shown:
                self._shown, self._yielded = shown, 0

    def leave(self, seat: Seat) -> None:
        """It has ended; may be said twice."""
        if seat.held:
            seat.held = False
            self._standing -= 1
            self._waiting.pop(seat, None)

    @contextmanager
    def visit(self) -> Iterator[Seat]:
        """Hold a seat for a connection that somebody else makes and ends: a health check."""
        seat = self.enter(trio.current_time())
        try:
            yield seat
        finally:
            self.leave(seat)

    def crowded_since(self, time: float) -> bool:
        """Whether others have been answered since then, and more want to be than there are seats.

        Then a silence says nothing about who serves here.
        """
        return self._standing > self._shown and self.heard >= time

    # ---- those at rest

    def keep(self, owner: Owner, resting: Resting, now: float, rest: float) -> bool:
        """Keep a connection for `rest` seconds if that is wise, else close it.

        Tell whether somebody waits who may want it to be closed soon.
        """
        self.heard = now
        idle = self.idle.get(owner)
        if idle is None:
            self.idle[owner] = idle = []
        if resting.reused:
            self._deaths = 0
        elif self.reticent:
            rest = 0.0
        waiting = self._waiting
        if (
            rest <= 0
            or len(idle) >= MOST
            or not owner.in_rotation
            or (waiting and self._is_in_the_way(now))
        ):
            self._close_one(resting)
            return False
        resting.since = now
        resting.deadline = now + rest
        idle.append(resting)
        return bool(waiting)

    def _is_in_the_way(self, now: float) -> bool:
        if self._standing <= self._shown:
            return False
        return self._yielded > 1 or now - next(iter(self._waiting)).since >= PATIENCE

    def died(self, resting: Resting, now: float) -> None:
        """Take down that a connection was closed at rest, or instead of an answer."""
        self._deaths += now - resting.since < SOON and not self.reticent

    @property
    def reticent(self) -> bool:
        """It closes its connections without saying so: no more are kept."""
        return self._deaths >= SILENT

    def forget(self, owner: Owner) -> None:
        """Close those that are at rest for `owner`."""
        for resting in self.idle.pop(owner, ()):
            self._close_one(resting)

    def expire(self, now: float) -> float:
        """Close what rests for too long, for an owner that is out, or in somebody's way.

        Return the seconds until the next look is due; infinite: none is.
        """
        waited = now - next(iter(self._waiting)).since if self._waiting else 0.0
        yielded = False
        for owner, idle in list(self.idle.items()):
            for resting in idle[:]:
                crowded = waited >= PATIENCE and self._standing > self._shown
                hampers = crowded or (waited >= LONGER and now - resting.since >= LONGER)
                if resting.deadline <= now or hampers or not owner.in_rotation:
                    idle.remove(resting)
                    self._close_one(resting)
                    yielded |= crowded
            if not idle:
                del self.idle[owner]
        self._yielded += yielded
        if not self._waiting:
            return TICK if self.idle else math.inf
        if waited < PATIENCE:
            return PATIENCE - waited
        return LONGER if self.idle else math.inf

    def close(self) -> None:
        """Close all that are at rest."""
        for owner in list(self.idle):
            self.forget(owner)

    def _oldest(self) -> Resting | None:
        lists = [idle for idle in self.idle.values() if idle]
        return min((idle[0] for idle in lists), key=lambda each: each.since, default=None)

    def _bury(self) -> None:
        for idle in self.idle.values():
            for resting in [each for each in idle if not each.is_quiet()]:
                idle.remove(resting)
                self._close_one(resting)

    def _close(self, resting: Resting) -> None:
        for idle in self.idle.values():
            if resting in idle:
                idle.remove(resting)
        self._close_one(resting)

    def _close_one(self, resting: Resting) -> None:
        self.leave(resting.seat)
        resting.close()
