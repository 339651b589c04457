"""Who belongs to a running project: backends by label, pools by `to`, and how both change."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from weakref import WeakValueDictionary

import trio

from rpx.hub.news import News
from rpx.hub.records import Backend, Pool
from rpx.hub.seats import Seats
from rpx.model.config import PoolSpec
from rpx.model.status import BackendSpec, Intent, Obstacle
from rpx.policy.depend import obstacles
from rpx.policy.routing import Routes

SET = 1.0  # seconds by which two clocks differ when one of them has been set
PAST = 20  # backends that have left whose last lines are kept: as many as a reload may replace


class Members(News):
    """The part of the registry that says who is there. Each method leaves it consistent."""

    def __init__(
        self,
        clock: Callable[[], float],
        steady: Callable[[], float],
        chance: Callable[[], float],
        key: bytes,
    ) -> None:
        super().__init__(clock)
        self.steady = steady  # seconds of a clock that nobody sets, for how long something takes
        self._chance = chance
        self.key = key  # of sticky cookies
        self.backends: dict[str, Backend] = {}
        self.leaving: list[Backend] = []  # on their way out: no part of the project any more
        self.past: dict[str, Backend] = {}  # that have left, the latest last: for what they printed
        self.pools: dict[str, Pool] = {}
        self.routes: Routes[Pool] = Routes({})
        self.changed = trio.Event()  # replaced at every change of any backend
        self._seats = WeakValueDictionary[tuple[str, int | None], Seats]()  # by place

    @property
    def everyone(self) -> list[Backend]:
        """All backends, with those that are leaving."""
        return [*self.backends.values(), *self.leaving]

    @property
    def speakers(self) -> list[Backend]:
        """All whose last lines there are, with those that have left."""
        there = self.everyone
        labels = {backend.spec.label for backend in there}
        return there + [each for label, each in self.past.items() if label not in labels]

    def named(self, name: str) -> list[Backend]:
        """Return the backends of a service, in listed order."""
        return [each for each in self.backends.values() if each.spec.name == name]

    def obstacles(self, spec: BackendSpec, behind: Collection[str] = ()) -> tuple[Obstacle, ...]:
        """Return what a start of `spec` would wait for; `behind`: as of a Backend."""
        return obstacles(spec.depends_on, self._witnesses, behind)

    def _witnesses(self, name: str) -> list[Backend]:
        return [backend.witness for backend in self.named(name)]

    def known(self, label: str) -> Backend:
        """The backend of this label, also if it is leaving. Raises: KeyError."""
        return self.backends.get(label) or {b.spec.label: b for b in self.leaving}[label]

    def nudge(self) -> None:
        """Let every held request look again: what it waits for may no longer come."""
        for pool in self.pools.values():
            pool.wake()

    def age(self, backend: Backend) -> float:
        """Return how many seconds `backend` has been in its state."""
        return max(0.0, self.steady() - backend.since)

    def since(self, backend: Backend) -> float:
        """Return since when it has been in the state it is shown in, in seconds since the epoch.

        Where the clock has been set meanwhile, it is by the clock as it is now.
        """
        latest = max(backend, backend.process, key=lambda each: each.since)
        by_now = self._clock() - self.age(latest)
        return latest.moved if abs(by_now - latest.moved) < SET else by_now

    def add(self, spec: BackendSpec) -> Backend:
        """Return the record of a new backend, which is in no pool yet.

        Raises: ValueError when the label is taken.
        """
        if spec.label in self.backends:
            raise ValueError(f"{spec.label} is there already")
        self.backends[spec.label] = backend = Backend(spec, self.steady(), self._clock())
        self._seat(backend)
        return backend

    def _seat(self, backend: Backend) -> None:
        """Who serves several hosts at one address has one set of connections."""
        if backend.spec.address is not None:
            backend.seats = self._seats.setdefault(backend.spec.address.place, backend.seats)

    def respec(self, specs: Mapping[Backend, BackendSpec]) -> None:
        """Let backends be what their new specs say, whatever their labels; `arrange` comes next.

        Their processes, if they have any, learn nothing of it.
        """
        for backend, spec in specs.items():
            old, backend.spec = backend.spec, spec
            backend.weight, backend.identity = spec.weight, spec.identity
            if old.address != spec.address:
                backend.seats = Seats()
                self._seat(backend)
            if old.health_check != spec.health_check:
                backend.suspected.set()  # look now, in the new way
        self.backends = {each.spec.label: each for each in self.backends.values()}

    def remove(self, backend: Backend) -> None:
        """Forget a backend that was leaving, but for what it printed.

        Whoever still gives it orders is told so.
        """
        self.leaving.remove(backend)
        self.past.pop(backend.spec.label, None)
        if backend.spec.start is not None:
            self.past[backend.spec.label] = backend
        if len(self.past) > PAST:
            del self.past[next(iter(self.past))]
        backend.intent = Intent.GONE
        backend.mailbox.orders.close()
        backend.changed.set()
        self.changed.set()
        self.changed = trio.Event()

    def arrange(
        self,
        pools: Mapping[str, PoolSpec],
        members: Mapping[str, Sequence[Backend]],
        order: Sequence[str] = (),
    ) -> None:
        """Have exactly these pools, with these members, from now on; list backends in `order`.

        A pool that stays is the same object. Requests that hold one that goes, or a backend that is
        no member any more, end as they would have.
        """
        for backend in self.backends.values():
            backend.owner = self.backends.get(backend.spec.served_by)
        for backend in self.backends.values():
            answering = [other for other in backend.others if other.gone and other.in_flight]
            backend.others = (*(b for b in self.everyone if b.owner is backend), *answering)
        kept: dict[str, Pool] = {}
        for to, spec in pools.items():
            pool = self.pools.get(to)
            if pool is None:
                pool = Pool(to, spec, members[to], self._chance, self.key)
            for backend in members[to]:
                backend.pool = pool
            pool.become(spec, members[to], self.key)
            kept[to] = pool
        self.pools = kept
        self.routes = Routes(kept)
        rank = {label: place for place, label in enumerate(order)}
        self.backends = dict(
            sorted(self.backends.items(), key=lambda pair: rank.get(pair[0], math.inf))
        )
