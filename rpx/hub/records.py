"""The records behind the registry: one per backend, one per pool. Plain state, no waiting."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import trio

from rpx.hub.lines import LineRing
from rpx.hub.orders import Mailbox
from rpx.model.status import BackendSpec, State
from rpx.policy.balance import round_robin

# What a request has met: (id, generation) of a backend in one of its lives, or id: in all of them.
Tried = set[int | tuple[int, int]]
_RETURNING = frozenset({State.STARTING, State.BACKOFF, State.UNHEALTHY})


class Backend:
    """The record of one backend. Its life moves the upper half, requests count in the lower."""

    __slots__ = (
        "changed",
        "coming_back",
        "drained",
        "errors",
        "failures",
        "generation",
        "in_flight",
        "in_rotation",
        "last_error",
        "lasting",
        "lines",
        "mailbox",
        "pid",
        "pool",
        "requests",
        "restarts",
        "seconds",
        "since",
        "spec",
        "state",
        "suspected",
    )

    def __init__(self, spec: BackendSpec, now: float) -> None:
        self.spec = spec
        self.state = State.UNHEALTHY if spec.address and not spec.start else State.STOPPED
        self.since = now
        self.pid: int | None = None
        self.restarts = 0
        self.generation = 0  # launches so far: a restarted backend is a new one to a retry
        self.coming_back = False  # on its way down, but only to be started again
        self.last_error = ""
        self.lines = LineRing()
        self.mailbox = Mailbox.new()
        self.pool: Pool | None = None
        self.changed = trio.Event()  # replaced at every change
        # what requests touch
        self.in_rotation = False
        self.failures = 0  # broken connections in a row
        self.suspected = trio.Event()  # a request failed here: the life is to look now
        self.in_flight = 0
        self.lasting = 0  # those of in_flight that end only when a side leaves: tunnels, streams
        self.drained: trio.Event | None = None  # set when nothing but lasting requests is left
        self.requests = 0
        self.errors = 0
        self.seconds = 0.0

    @property
    def external(self) -> bool:
        """Somebody else runs it."""
        return self.spec.start is None

    @property
    def returning(self) -> bool:
        """Not up, but it is worth waiting for: it is being started or will be."""
        if self.spec.start is None:
            return False
        if self.state is State.UNHEALTHY and self.spec.health_check is not None:
            return self.spec.start.replaced_when_sick
        if self.state in _RETURNING or (self.state is State.READY and not self.in_rotation):
            return True  # READY and out: a request was refused, or its process has just gone
        return self.coming_back and self.state in (State.DRAINING, State.STOPPING)


class Pool:
    """The backends of one host, in listed order, and whose turn it is."""

    __slots__ = ("backends", "changed", "hold", "host", "last", "waiting")

    def __init__(self, host: str, hold: float, backends: tuple[Backend, ...]) -> None:
        self.host = host
        self.hold = hold
        self.backends = backends
        self.last = -1
        self.waiting = 0  # requests held until a backend returns
        self.changed = trio.Event()  # replaced at every change of a member

    def next_up(self) -> Backend | None:
        """Return the next backend in rotation; the turn goes on to it."""
        return self._next(_in_rotation)

    def next_untried(self, tried: Tried) -> Backend | None:
        """Return the next backend in rotation that this request has not met."""
        return self._next(lambda backend: backend.in_rotation and not _met(backend, tried))

    def next_running(self, tried: Tried) -> Backend | None:
        """Return an unhealthy backend to try when none is up: it may be better than its checks."""
        return self._next(
            lambda backend: backend.state is State.UNHEALTHY and not _met(backend, tried)
        )

    def _next(self, usable: Callable[[Backend], bool]) -> Backend | None:
        position = round_robin(self.backends, self.last, usable)
        if position < 0:
            return None
        self.last = position
        return self.backends[position]


_in_rotation: Callable[[Backend], bool] = attrgetter("in_rotation")


def _met(backend: Backend, tried: Tried) -> bool:
    return (id(backend), backend.generation) in tried or id(backend) in tried
