"""Who belongs to a running project: backends by label, pools by `to`, and how both change."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from weakref import WeakValueDictionary

import trio

from rpx.hub.backend import Backend
from rpx.hub.endpoint import Endpoint, Pool
from rpx.hub.news import News
from rpx.hub.process import Process, Standing
from rpx.hub.seats import Seats
from rpx.hub.site import Site
from rpx.model.config import PoolSpec, Start
from rpx.model.specs import BackendSpec, EndpointSpec, ProcessSpec
from rpx.model.status import Intent, Obstacle
from rpx.policy.affinity import with_cookies_of_their_own
from rpx.policy.depend import done_without, obstacles
from rpx.policy.routing import Routes
from rpx.policy.sites import SiteSpec, leading_to, sites_of_pools

SET = 1.0  # seconds by which two clocks differ when one of them has been set
PAST = 20  # processes that have left whose last lines are kept: as many as a reload may replace


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
        self.sites: dict[str, Site] = {}  # by `to`
        self.routes: Routes[Site] = Routes({})
        self.hosts: tuple[str, ...] = ()  # all that lead to a site, also `*.domain`
        self.changed = trio.Event()  # replaced at every change of any backend
        self._left: list[Endpoint] = []  # that have left, and may have requests
        self._seats = WeakValueDictionary[tuple[str, int | None], Seats]()  # by place

    @property
    def everyone(self) -> list[Backend]:
        """All backends, with those that are leaving."""
        return [*self.backends.values(), *self.leaving]

    @property
    def processes(self) -> list[Process]:
        """All processes of ours, in listed order."""
        return [each.own for each in self.backends.values() if each.own is not None]

    @property
    def speakers(self) -> list[Backend]:
        """All whose last lines there may be, with those that have left."""
        there = self.everyone
        labels = {backend.label for backend in there}
        return there + [each for label, each in self.past.items() if label not in labels]

    def named(self, name: str) -> list[Backend]:
        """Return the backends of a service, in listed order."""
        return [each for each in self.backends.values() if each.name == name]

    def known(self, label: str) -> Backend:
        """The backend of this label, also if it is leaving. Raises: KeyError."""
        return self.backends.get(label) or {b.label: b for b in self.leaving}[label]

    def process(self, label: str) -> Process:
        """The process behind the backend of this label. Raises: KeyError: there is none of ours."""
        process = self.backends[label].process
        if process is None:
            raise KeyError(label)
        return process

    def endpoint(self, label: str) -> Endpoint:
        """The address that has this label. Raises: KeyError."""
        endpoint = self.backends[label].endpoint
        if endpoint is None:
            raise KeyError(label)
        return endpoint

    def endpoints_of(self, process: Process) -> list[Endpoint]:
        """The addresses that a process serves, its own first; also any that has left with requests
        under way, and that it is not told to go before.
        """
        there = [each.endpoint for each in self.everyone if each.endpoint is not None]
        found = [each for each in there + self._left if each.process is process]
        return sorted(found, key=lambda each: not each.own)

    def specs_of(self, process: Process) -> list[ProcessSpec | EndpointSpec]:
        """What a process is to be, and what it serves beside its own address."""
        others = [each.spec for each in self.endpoints_of(process) if not each.own]
        return [process.spec, *others]

    def own_endpoint(self, process: Process) -> Endpoint | None:
        """The address that has the label of a process; None: it has none."""
        return next((each for each in self.endpoints_of(process) if each.own), None)

    def has_seen(self, process: Process) -> bool:
        """Whether a process was seen to listen at the address of its own, in this run."""
        own = self.own_endpoint(process)
        return own is not None and own.found_at is not None

    def obstacles(self, spec: ProcessSpec, changing: Collection[str] = ()) -> tuple[Obstacle, ...]:
        """Return what a start of `spec` would wait for; `changing`: as `starts_after`."""
        return obstacles(spec.depends_on, self.named, changing)

    def done_without(self, spec: ProcessSpec) -> tuple[Obstacle, ...]:
        """Return what a start of `spec` would do without: it isn't required, and won't come."""
        return done_without(spec.depends_on, self.named)

    def told_by(self, backend: Backend) -> Backend:
        """Who knows why `backend` is in its state: while its process doesn't run, the backend that
        has the label of that.
        """
        process = backend.process
        if process is None or process.runs:
            return backend
        return next((each for each in self.everyone if each.own is process), backend)

    def nudge(self) -> None:
        """Let every held request look again: what it waits for may no longer come."""
        for pool in self.pools.values():
            pool.wake()

    def age(self, standing: Standing) -> float:
        """Return how many seconds it has been so."""
        return max(0.0, self.steady() - standing.since)

    def since(self, backend: Backend) -> float:
        """Return since when it has been in the state it is shown in, in seconds since the epoch.

        Where the clock has been set meanwhile, it is by the clock as it is now.
        """
        process = backend.process
        behind = process.standing if process is not None else backend.standing
        latest = max(backend.standing, behind, key=lambda each: each.since)
        by_now = self._clock() - self.age(latest)
        return latest.moved if abs(by_now - latest.moved) < SET else by_now

    def add(self, spec: BackendSpec, *, paused: bool = False) -> Backend:
        """Return a new backend, which is in no pool yet.

        Raises: ValueError when the label is taken.
        """
        if spec.label in self.backends:
            raise ValueError(f"{spec.label} is there already")
        standing = Standing(self.steady(), self._clock())
        process = Process(spec.process, standing) if spec.process is not None else None
        endpoint = None
        if spec.endpoint is not None:
            endpoint = Endpoint(spec.endpoint, process, standing)
            endpoint.paused = paused
            self._seat(endpoint)
        self.backends[spec.label] = backend = Backend(endpoint, process)
        return backend

    def _seat(self, endpoint: Endpoint) -> None:
        """Who serves several hosts at one address has one set of connections."""
        endpoint.seats = self._seats.setdefault(endpoint.spec.address.place, endpoint.seats)

    def respec(self, specs: Mapping[Backend, BackendSpec]) -> None:
        """Let backends be what their new specs say, whatever their labels; `arrange` comes next.

        Their processes, if they have any, learn nothing of it.
        """
        for backend, spec in specs.items():
            if backend.own is not None and spec.process is not None:
                self._respec_process(backend.own, spec.process)
            if backend.endpoint is not None and spec.endpoint is not None:
                self._respec(backend.endpoint, spec.endpoint)
        self.backends = {each.label: each for each in self.backends.values()}

    def restart_by(self, process: Process, start: Start) -> None:
        """Let `start` be what runs a process from its next start."""
        process.spec = replace(process.spec, start=start)

    def _respec_process(self, process: Process, spec: ProcessSpec) -> None:
        old, process.spec = process.spec, spec
        if old.health_check != spec.health_check:
            process.changed.set()  # whoever asks it looks now, in the new way
            process.changed = trio.Event()

    def _respec(self, endpoint: Endpoint, spec: EndpointSpec) -> None:
        old = endpoint.spec
        endpoint.become(spec)
        if old.address != spec.address:
            endpoint.seats = Seats()
            self._seat(endpoint)
        if old.health_check != spec.health_check:
            endpoint.check_soon()  # look now, in the new way

    def _serve(self, endpoint: Endpoint, by: Backend | None) -> None:
        endpoint.process = by.own if by is not None else None
        if by is not None and by.endpoint is not None:
            endpoint.find_beside(by.endpoint.found_at)

    def remove(self, backend: Backend) -> None:
        """Forget a backend that was leaving, but for what it printed.

        Whoever still gives it orders is told so.
        """
        self.leaving.remove(backend)
        if backend.endpoint is not None:
            self._left.append(backend.endpoint)
            backend.endpoint.changed.set()
        if (process := backend.own) is not None:
            self.past.pop(backend.label, None)
            self.past[backend.label] = backend
            if len(self.past) > PAST:
                del self.past[next(iter(self.past))]
            process.intent = Intent.GONE
            process.mailbox.orders.close()
            process.changed.set()
        self.changed.set()
        self.changed = trio.Event()

    def keep(self, host: str) -> None:
        """Let no route have this host, which is rpx's own, unless it names it."""
        self.routes.own = host

    def leave_to_others(self, hosts: AbstractSet[str]) -> None:
        """Let these hosts and wildcards be other projects', before what is less specific here."""
        self.routes.elsewhere = hosts

    def arrange(
        self,
        pools: Mapping[str, PoolSpec],
        members: Mapping[str, Sequence[Endpoint]],
        order: Sequence[str] = (),
        sites: Mapping[str, SiteSpec] | None = None,
    ) -> None:
        """Have exactly these pools, with these members, from now on; list backends in `order`.

        `sites` are what hosts lead to, by `to`; None: each pool is one.

        A pool that stays is the same object. Requests that hold one that goes, or an endpoint that
        is no member any more, end as they would have.
        """
        self._left = [each for each in self._left if each.in_flight]
        for backend in self.backends.values():
            if backend.endpoint is not None and backend.own is None:
                self._serve(backend.endpoint, self.backends.get(backend.endpoint.spec.process))
        kept: dict[str, Pool] = {}
        led = {to: leading_to(to, sites or {}) for to, spec in pools.items() if spec.sticky}
        for to, spec in with_cookies_of_their_own(pools, led).items():
            also = led.get(to, ())[1:]
            pool = self.pools.get(to)
            if pool is None:
                pool = Pool(to, spec, members[to], self._chance, self.key)
            for endpoint in members[to]:
                endpoint.pool = pool
            pool.become(spec, members[to], self.key, *also)
            kept[to] = pool
        self.pools = kept
        self._lead(sites_of_pools(pools.items()) if sites is None else sites)
        rank = {label: place for place, label in enumerate(order)}
        self.backends = dict(
            sorted(self.backends.items(), key=lambda pair: rank.get(pair[0], math.inf))
        )

    def _lead(self, sites: Mapping[str, SiteSpec]) -> None:
        """Let hosts lead to exactly these sites. Those that haven't changed go on counting."""
        before = {way.known_by: way for site in self.sites.values() for way in site.all_ways}
        now = self._clock()
        there = {to: site for to, site in self.sites.items() if to in sites}
        self.sites = {
            to: there[to]
            if to in there and there[to].stays(spec, self.pools)
            else Site(to, spec, self.pools, before, now)
            for to, spec in sites.items()
        }
        reached = {to: site for site in self.sites.values() for to in site.spec.reached}
        self.routes = Routes(reached, self.routes.elsewhere, self.routes.own)
        self.hosts = tuple(dict.fromkeys(to.partition("/")[0] for to in reached))
