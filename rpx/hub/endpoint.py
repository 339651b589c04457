"""The record of one address that requests go to, and the pool of those that serve one host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter

import trio

from rpx.hub.counts import Counts
from rpx.hub.lines import LineRing
from rpx.hub.process import RUNNING, Process, Standing
from rpx.hub.seats import Seats
from rpx.model.address import Address, Location
from rpx.model.config import PoolSpec
from rpx.model.specs import EndpointSpec
from rpx.model.status import TO_RUN, Obstacle, State
from rpx.policy.affinity import Affinity
from rpx.policy.balance import Turns, turns, whose_turn
from rpx.policy.health import Health
from rpx.policy.sites import fixed_part

# What a request has met: (id, rotation_epoch) of an endpoint since it was last up, or id: for good.
Tried = set[int | tuple[int, int]]


class Endpoint:
    """One address that requests go to. Its checks and requests change it, through the registry.

    `process` None: somebody else's process listens there (the endpoint is external). Of several
    endpoints of a process, one is its own: it has the same label, and how its checks go is what the
    process is known to be ready by. The others have checks of their own.
    """

    __slots__ = (
        "changed",
        "counts",
        "drained",
        "failures",
        "found_at",
        "health",
        "identity",
        "in_flight",
        "in_rotation",
        "keeps_until",
        "lasting",
        "leaving",
        "lent",
        "paused",
        "pool",
        "process",
        "remarks",
        "rotation_epoch",
        "seats",
        "spec",
        "standing",
        "suspected",
        "verdict",
        "weight",
    )

    def __init__(self, spec: EndpointSpec, process: Process | None, standing: Standing) -> None:
        self.become(spec)
        self.process = process
        self.standing = standing
        self.verdict: State | None = None  # of its checks: READY or UNHEALTHY; None: none so far
        self.paused = False  # kept out of rotation, whatever becomes of its process
        self.lent = False  # stopped, but somebody else listens at its address and has its requests
        self.leaving = False  # no part of the project any more: it finishes what it has
        self.pool: Pool | None = None
        self.health: Health | None = None  # what the checks of this run say
        self.found_at: Location | None = None  # exactly where its process was seen to listen
        self.suspected = trio.Event()  # a request failed here: it is to be checked now
        self.changed = trio.Event()  # replaced at every change
        # what requests touch
        self.in_rotation = False
        self.rotation_epoch = 0  # times it has come up: one that was away is a new one to a retry
        self.failures = 0  # broken connections in a row
        self.in_flight = 0
        self.lasting = 0  # those of in_flight that end only when a side leaves: tunnels, streams
        self.drained: trio.Event | None = None  # set when nothing but lasting requests is left
        self.keeps_until = 0.0  # clients that prefer it may stay while it is drained
        self.counts = Counts()
        self.seats = Seats()  # shared with whoever is at the same address
        self.remarks: set[str] = set()  # what has been said about the way it answers

    def become(self, spec: EndpointSpec) -> None:
        """Be what `spec` says from now on."""
        self.spec, self.weight, self.identity = spec, spec.weight, spec.identity

    # ---- what is known of it

    @property
    def label(self) -> str:
        """Its name, unique within the project."""
        return self.spec.label

    @property
    def external(self) -> bool:
        """Somebody else runs what listens there."""
        return self.process is None

    @property
    def own(self) -> bool:
        """It has the label of its process, which its checks are those of."""
        return self.spec.own

    @property
    def state(self) -> State:
        """That of its process; while that runs, or is not ours, the verdict of its checks."""
        if self.process is not None and self.process.state not in RUNNING:
            return self.process.state
        return self.verdict or State.UNHEALTHY

    @property
    def visible_state(self) -> State:
        """The state as users see it."""
        state = self.state
        return State.PAUSED if self.paused and state in RUNNING else state

    @property
    def last_error(self) -> str:
        """Why it is in its state, or what was wrong last."""
        return self._told_by.last_error

    @property
    def _told_by(self) -> Standing:
        process = self.process
        return self.standing if process is None or process.state in RUNNING else process.standing

    @property
    def obstacles(self) -> tuple[Obstacle, ...]:
        """What its process waits for."""
        return self.process.obstacles if self.process is not None else ()

    @property
    def lines(self) -> LineRing | None:
        """What its process has printed that says why it is in its state."""
        told_by = self.process if self.own or self._told_by is not self.standing else None
        return told_by.lines if told_by is not None else None

    @property
    def has_run(self) -> bool:
        """There has been a process behind it, or it is somebody else's affair."""
        return self.process is None or self.process.has_run

    @property
    def about_to_start(self) -> bool:
        """Its process is."""
        return self.process is not None and self.process.about_to_start

    @property
    def returning(self) -> bool:
        """Not up, but it is worth waiting for: its process is being started or will be."""
        process = self.process
        if process is None or self.paused:
            return False
        if process.state is State.READY and self.verdict is State.READY:
            # And out: a request was refused, or its process has just gone.
            return process.intent in TO_RUN and not self.in_rotation
        return process.returning

    @property
    def keeps_clients(self) -> bool:
        """Whoever prefers it may stay: it is up, or is finishing other requests anyhow.

        Where rpx has just started, others run on: nobody has seen one of them down yet.
        """
        if self.in_rotation or (self.external and self.verdict is None):
            return not self.paused
        if self.drained is None or self.drained.is_set():
            return False
        return trio.current_time() < self.keeps_until

    # ---- where it is

    @property
    def door(self) -> Location | None:
        """Where requests go: to a process of ours only where it has been seen to listen.

        Somebody else may have the other address of `localhost`, or the port while it starts.
        """
        return self.spec.address if self.external else self.found_at

    def find(self, at: Location | None) -> None:
        """Its process was seen to listen exactly there."""
        self.found_at = at

    def unfind(self) -> None:
        """Another process: nothing has been seen of it yet."""
        self.found_at, self.standing.elsewhere = None, ""

    def find_beside(self, there: Location | None) -> None:
        """Its process was seen to listen `there` for the address of its own: then here, too."""
        self.found_at = self.found_at or self._at_the_host_of(there)

    def find_by_answer(self) -> None:
        """It answers: where nobody has looked closer, it does so wherever its address leads."""
        self.found_at = self.found_at or self.spec.address
        self.standing.misplace("")

    def _at_the_host_of(self, there: Location | None) -> Location | None:
        here, looked_for = self.spec.address, self.process.spec.address if self.process else None
        if not (isinstance(here, Address) and isinstance(looked_for, Address)):
            return None
        if isinstance(there, Address) and here.host == looked_for.host:
            as_told = there.port == looked_for.port
            return replace(here if as_told else here.as_written or here, host=there.host)
        return None

    # ---- what others have found

    def blame(self, why: str) -> None:
        """Keep what is wrong with it; "": that it isn't any more."""
        self.standing.last_error = why

    def recover(self) -> None:
        """It has answered: connections that broke before count no more."""
        self.failures = 0

    def watch(self, health: Health | None) -> None:
        """Its checks begin anew, and are counted there."""
        self.health = health

    def check_soon(self) -> None:
        """Have it checked now."""
        self.suspected.set()

    def unsuspect(self) -> None:
        """It is about to be checked."""
        self.suspected = trio.Event()

    def remark(self, text: str) -> bool:
        """Keep what is odd about the way it answers; tell whether that is new."""
        known = text in self.remarks
        self.remarks.add(text)
        return not known


class Pool:
    """The backends of one host, in listed order, and whose turn it is.

    `active` are those that have turns: the others have a weight of 0 and finish what they have.
    `affinity` is there when its sessions are sticky: then a client that has a backend's cookie has
    that backend out of turn, as long as it can be had.
    """

    __slots__ = (
        "_chance",
        "_shape",
        "_turns",
        "active",
        "affinity",
        "backends",
        "changed",
        "counts",
        "host",
        "https",
        "spec",
        "waiting",
    )

    def __init__(
        self,
        host: str,
        spec: PoolSpec,
        backends: Sequence[Endpoint],
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

    def become(self, spec: PoolSpec, backends: Sequence[Endpoint], key: bytes, *also: str) -> None:
        """Have these from now on; `key` is of sticky cookies, `also` leads here beside `host`.

        The pool stays the same one: requests that hold it, or are held by it, go on with the new
        members. Whose turn it is begins anew only where that is another question than before.
        """
        shape = (spec, [(id(b), b.weight, b.identity) for b in backends], also)
        if shape == self._shape:
            return
        self._shape = shape
        self.spec = spec
        self.https = spec.https
        self.backends = tuple(backends)
        self.active = tuple(backend for backend in backends if backend.weight)
        to = (fixed_part(self.host), *also)
        self.affinity = Affinity(spec.sticky, backends, key, to) if spec.sticky else None
        self._turns: Turns[Endpoint] = turns(spec.strategy, self.active, self._chance)
        self.wake()

    def wake(self) -> None:
        """Let every held request look again."""
        self.changed.set()
        self.changed = trio.Event()

    def next_up(self, client: bytes, preferred: Endpoint | None) -> Endpoint | None:
        """Return who in rotation takes a request of `client` (its address); the turn goes on."""
        if preferred is not None and preferred.keeps_clients:
            return preferred
        return self._turns.choose(_in_rotation, client)

    def whose_turn(self, client: bytes, preferred: Endpoint | None) -> Endpoint | None:
        """Return who would take it, though the turn stays. None: nobody, or chance decides."""
        if preferred is not None and preferred.keeps_clients:
            return preferred
        return whose_turn(self._turns, self.active, _in_rotation, client)

    def next_untried(
        self, client: bytes, preferred: Endpoint | None, tried: Tried
    ) -> Endpoint | None:
        """Return the next backend in rotation that this request has not met."""
        return self._choose(
            lambda backend: backend.in_rotation and not _met(backend, tried), client, preferred
        )

    def has_untried(self, tried: Tried) -> bool:
        """Tell whether somebody is in rotation that this request has not met."""
        return any(each.in_rotation and not _met(each, tried) for each in self.active)

    def next_running(
        self, client: bytes, preferred: Endpoint | None, tried: Tried
    ) -> Endpoint | None:
        """Return a backend to try when none is up: it runs, and may be better than its checks."""
        return self._choose(
            lambda backend: backend.visible_state in RUNNING and not _met(backend, tried),
            client,
            preferred,
        )

    def _choose(
        self, usable: Callable[[Endpoint], bool], client: bytes, preferred: Endpoint | None
    ) -> Endpoint | None:
        if preferred is not None and usable(preferred):
            return preferred
        return self._turns.choose(usable, client)


_in_rotation: Callable[[Endpoint], bool] = attrgetter("in_rotation")


def _met(backend: Endpoint, tried: Tried) -> bool:
    return (id(backend), backend.rotation_epoch) in tried or id(backend) in tried
