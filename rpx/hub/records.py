"""The records behind the registry: one per backend, one per pool. Plain state, no waiting."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from operator import attrgetter

import trio

from rpx.hub.counts import Counts
from rpx.hub.lines import LineRing
from rpx.hub.mailbox import Mailbox, Order
from rpx.hub.seats import Seats
from rpx.model.address import Address, Location
from rpx.model.config import PoolSpec
from rpx.model.status import (
    AT_REST,
    TO_RUN,
    BackendSpec,
    Ended,
    Intent,
    Obstacle,
    State,
)
from rpx.policy.balance import Turns, turns
from rpx.policy.health import Health
from rpx.policy.restart import History
from rpx.policy.stickiness import Pins

# What a request has met: (id, ups) of a backend since it was last up, or id: for good.
Tried = set[int | tuple[int, int]]
_RUNNING = frozenset({State.READY, State.UNHEALTHY})


class Backend:
    """The record of one backend. Its life moves the upper half, requests count in the lower."""

    __slots__ = (
        "answered",
        "behind",
        "changed",
        "counts",
        "drained",
        "due",
        "elsewhere",
        "ended",
        "ended_unasked",
        "failures",
        "found_at",
        "generation",
        "has_run",
        "health",
        "history",
        "identity",
        "in_flight",
        "in_rotation",
        "intent",
        "keeps_until",
        "last_error",
        "lasting",
        "left",
        "lent",
        "lines",
        "mailbox",
        "moved",
        "obstacles",
        "others",
        "owner",
        "paused",
        "pid",
        "pool",
        "remarks",
        "restarts",
        "seats",
        "since",
        "spec",
        "state",
        "suspected",
        "ups",
        "weight",
    )

    def __init__(self, spec: BackendSpec, since: float, moved: float) -> None:
        """`since` is now by a steady clock, `moved` by that of the day."""
        self.spec = spec
        self.state = State.UNHEALTHY if spec.address and not spec.start else State.STOPPED
        self.since, self.moved = since, moved  # when it came into the state that it is in
        self.pid: int | None = None
        self.left: Sequence[int] = ()  # pids that go on when its own process has gone
        self.restarts = 0
        self.generation = 0  # launches so far
        self.ups = 0  # times it has come up: one that was away is a new one to a retry
        self.intent = Intent.UP
        self.answered = False  # it has been seen up, or down after that
        self.behind: Collection[str] = ()  # services that are changing, and that it comes after
        self.has_run = False  # there has been a process
        self.paused = False  # kept out of rotation, whatever becomes of its process
        self.last_error = ""
        self.elsewhere = ""  # where its process listens instead, and what to do about it
        self.found_at: Location | None = None  # exactly where its process was seen to listen
        self.lent = False  # stopped, but somebody else listens at its address and has its requests
        self.ended_unasked = False  # some run has, not at the wish of a user or of rpx
        self.ended: Ended | None = None  # its last process
        self.history = History()  # the crashes that count
        self.due = math.inf  # when its rest ends, in trio's time
        self.health: Health | None = None  # what the checks of this run say
        self.obstacles: tuple[Obstacle, ...] = ()  # what it waits for
        self.lines = LineRing()
        self.mailbox = Mailbox[Order].new()
        self.pool: Pool | None = None
        self.owner: Backend | None = None  # whose process serves this address, too
        self.others: tuple[Backend, ...] = ()  # whose owner this one is
        self.weight = spec.weight
        self.identity = spec.identity
        self.changed = trio.Event()  # replaced at every change
        # what requests touch
        self.in_rotation = False
        self.failures = 0  # broken connections in a row
        self.suspected = trio.Event()  # a request failed here: the life is to look now
        self.in_flight = 0
        self.lasting = 0  # those of in_flight that end only when a side leaves: tunnels, streams
        self.drained: trio.Event | None = None  # set when nothing but lasting requests is left
        self.keeps_until = 0.0  # clients that are bound to it may stay while it is drained
        self.counts = Counts()
        self.seats = Seats()  # shared with whoever is at the same address
        self.remarks: set[str] = set()  # what has been said about the way it answers

    @property
    def shown(self) -> State:
        """The state as everybody but its life sees it."""
        if self.owner is not None and self.owner.state not in _RUNNING:
            return self.owner.state
        if self.paused and self.state in (State.READY, State.UNHEALTHY):
            return State.PAUSED
        return self.state

    @property
    def external(self) -> bool:
        """Somebody else runs it."""
        return self.spec.start is None and self.owner is None

    @property
    def process(self) -> Backend:
        """The record that has the process behind this address, which is nearly always this one."""
        return self.owner or self

    @property
    def door(self) -> Location | None:
        """Where requests go: to a process of ours only where it has been seen to listen.

        Somebody else may have the other address of `localhost`, or the port while it starts.
        """
        if self.external:
            return self.spec.address
        return self.found_at or self._beside_its_owner()

    def unfind(self) -> None:
        """Another process: nothing has been seen of it yet."""
        self.found_at, self.elsewhere = None, ""

    def settle(self) -> None:
        """It answers: where nobody has looked closer, it does so wherever its address leads."""
        self.found_at = self.door or self.spec.address
        self.misplace("")

    def misplace(self, where: str) -> None:
        """Its process was seen to listen `where` it isn't looked for; "": nowhere but there."""
        if self.elsewhere and self.last_error == self.elsewhere:
            self.last_error = ""
        self.elsewhere = where
        if where:
            self.last_error = where

    def _beside_its_owner(self) -> Location | None:
        if self.owner is None:
            return None
        own, its = self.spec.address, self.owner.spec.address
        there = self.owner.found_at
        if isinstance(own, Address) and isinstance(its, Address) and isinstance(there, Address):
            return replace(own, host=there.host) if own.host == its.host else None
        return None

    @property
    def ran(self) -> bool:
        """There has been a process behind this address."""
        return self.process.has_run

    @property
    def witness(self) -> Backend:
        """The record that knows why it is in the state it is shown in."""
        return self if self.owner is None or self.owner.state in _RUNNING else self.owner

    @property
    def leaving(self) -> bool:
        """It is no part of the project any more, and may still have requests or a process."""
        return self.intent in (Intent.LEAVING, Intent.GONE)

    @property
    def gone(self) -> bool:
        """It has left."""
        return self.intent is Intent.GONE

    @property
    def about_to_start(self) -> bool:
        """Its life has not begun, or has just been told to start it."""
        return self.state is State.STOPPED and self.intent in TO_RUN

    @property
    def stuck(self) -> bool:
        """It waits for something that will not come unless somebody gives an order."""
        return any(each.hopeless for each in self.obstacles)

    @property
    def returning(self) -> bool:
        """Not up, but it is worth waiting for: it is being started or will be."""
        if self.owner is not None and not self.paused:
            return self.owner.returning
        if self.spec.start is None or self.paused or self.intent not in TO_RUN:
            return False
        match self.state:
            case State.READY:  # and out: a request was refused, or its process has just gone
                return not self.in_rotation
            case State.UNHEALTHY:
                return self.spec.health_check is None or self.spec.start.replaced_when_sick
            case State.WAITING:
                return not self.stuck
            case state:
                return self.intent is Intent.TRIAL or state not in AT_REST

    @property
    def keeps_clients(self) -> bool:
        """Whoever is bound to it may stay: it is up, or is finishing other requests anyhow.

        Where rpx has just started, others run on: nobody has seen one of them down yet.
        """
        if self.in_rotation or (self.external and not self.answered):
            return not self.paused
        if self.drained is None or self.drained.is_set():
            return False
        return trio.current_time() < self.keeps_until


class Pool:
    """The backends of one host, in listed order, and whose turn it is.

    `active` are those that have turns: the others have a weight of 0 and finish what they have.
    `pins` are there when its sessions are sticky: then a client that is bound to a backend has it
    out of turn, as long as it can be had.
    """

    __slots__ = (
        "_chance",
        "_shape",
        "_turns",
        "active",
        "backends",
        "changed",
        "counts",
        "host",
        "https",
        "pins",
        "spec",
        "waiting",
    )

    def __init__(
        self,
        host: str,
        spec: PoolSpec,
        backends: Sequence[Backend],
        chance: Callable[[], float],
        key: bytes,
    ) -> None:
        self.host = host
        self._chance = chance
        self.waiting = 0  # requests held until a backend returns
        self.counts = Counts()  # of what rpx answered itself
        self.changed = trio.Event()  # replaced at every change of a member
        self._shape: object = None
        self.become(spec, backends, key)

    def become(self, spec: PoolSpec, backends: Sequence[Backend], key: bytes) -> None:
        """Have these settings and members from now on; `key` is that of sticky cookies.

        The pool stays the same one: requests that hold it, or are held by it, go on with the new
        members. Whose turn it is begins anew only where that is another question than before.
        """
        shape = (spec, [(id(b), b.weight, b.identity) for b in backends])
        if shape == self._shape:
            return
        self._shape = shape
        self.spec = spec
        self.https = spec.https
        self.backends = tuple(backends)
        self.active = tuple(backend for backend in backends if backend.weight)
        path = "/" + self.host.partition("/")[2]
        self.pins = Pins(spec.sticky, backends, key, path) if spec.sticky else None
        self._turns: Turns[Backend] = turns(spec.strategy, self.active, self._chance)
        self.wake()

    def wake(self) -> None:
        """Let every held request look again."""
        self.changed.set()
        self.changed = trio.Event()

    def next_up(self, client: bytes, bound: Backend | None) -> Backend | None:
        """Return who in rotation takes a request of `client` (its address); the turn goes on."""
        if bound is not None and bound.keeps_clients:
            return bound
        return self._turns.choose(_in_rotation, client)

    def next_untried(self, client: bytes, bound: Backend | None, tried: Tried) -> Backend | None:
        """Return the next backend in rotation that this request has not met."""
        return self._choose(
            lambda backend: backend.in_rotation and not _met(backend, tried), client, bound
        )

    def has_untried(self, tried: Tried) -> bool:
        """Tell whether somebody is in rotation that this request has not met."""
        return any(each.in_rotation and not _met(each, tried) for each in self.active)

    def next_running(self, client: bytes, bound: Backend | None, tried: Tried) -> Backend | None:
        """Return a backend to try when none is up: it runs, and may be better than its checks."""
        return self._choose(
            lambda backend: backend.shown in _RUNNING and not _met(backend, tried),
            client,
            bound,
        )

    def _choose(
        self, usable: Callable[[Backend], bool], client: bytes, bound: Backend | None
    ) -> Backend | None:
        if bound is not None and usable(bound):
            return bound
        return self._turns.choose(usable, client)


_in_rotation: Callable[[Backend], bool] = attrgetter("in_rotation")


def _met(backend: Backend, tried: Tried) -> bool:
    return (id(backend), backend.ups) in tried or id(backend) in tried
