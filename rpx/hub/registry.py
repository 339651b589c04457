"""The only mutable object that tasks share: every backend, every pool, who is in rotation.

Who belongs to the project, and how that changes, is in `hub.members`; here is what happens to them.

Its methods are sync, therefore atomic under trio, and each leaves it consistent. A backend's
state is moved only by the life that owns it (`move`); a request enters a backend and leaves it;
faces see frozen snapshots.
"""

from __future__ import annotations

import random
import shlex
from collections.abc import Callable, Iterable, Mapping

import trio

from rpx.hub.counts import Counts
from rpx.hub.mailbox import Change, Mailbox
from rpx.hub.members import Members
from rpx.hub.records import Backend
from rpx.hub.tally import by_address, by_host
from rpx.model.address import Location
from rpx.model.config import PoolSpec
from rpx.model.figures import Figures
from rpx.model.ports import Ports
from rpx.model.status import (
    AT_REST,
    HAS_PROCESS,
    BackendSpec,
    Ended,
    Intent,
    Obstacle,
    RotationChanged,
    Snapshot,
    State,
    StateChanged,
)
from rpx.policy.depend import sentence
from rpx.policy.lifecycle import Move, advance, wanted_after, wanted_by
from rpx.policy.plan import url_of

Clock = Callable[[], float]
# Seconds that bound clients may stay at a backend that is drained: half of a drain, so that what
# they send last has ended before the process is told to go.
KEEPS = 5.0
BROKEN_IN_A_ROW = 3  # broken connections are a verdict like failed checks; a refused one is at once


class Registry(Members):
    """All backends by label, all pools by what stands in `to`; the buses for their news."""

    def __init__(
        self,
        specs: Iterable[BackendSpec],
        pools: Mapping[str, PoolSpec],
        *,
        clock: Clock,
        steady: Clock | None = None,
        ports: Ports,
        chance: Callable[[], float] = random.random,
        key: bytes = b"",
    ) -> None:
        """`pools` are by `to`; `clock` gives seconds since the epoch; `steady` goes on evenly, also
        while that is set (None: it is the same); `ports` are where rpx listens; `chance` gives
        numbers from 0 up to 1; `key` is that of sticky cookies.
        """
        super().__init__(clock, steady or clock, chance, key)
        self.ports = ports  # replaced when rpx begins to listen for TLS, or without
        for spec in specs:
            self.add(spec)
        hosts = {to: [b for b in self.backends.values() if b.spec.host == to] for to in pools}
        self.arrange(pools, hosts)
        self.strays = Counts()  # of requests that belong to no host of ours
        self.mailbox = Mailbox[Change].new()  # what is asked of the project as a whole

    # ---- what a life does

    def move(self, backend: Backend, move: Move, *, reason: str = "") -> None:
        """Move `backend` on in its life, in rotation or out of it, and tell whoever listens."""
        before, backend.answered = backend.shown, True
        backend.state = after = advance(backend.state, move)
        backend.intent = wanted_after(backend.intent, move, after)
        backend.lent, waits = False, after is State.WAITING
        backend.obstacles = self.obstacles(backend.spec, backend.behind) if waits else ()
        if move is Move.LAUNCH:
            backend.generation += 1
            for each in (backend, *backend.others):
                each.unfind()
        spoken_of = backend.pid
        if after not in HAS_PROCESS:
            backend.pid = backend.health = None
        if reason:
            backend.last_error = reason
        if after is State.READY:
            backend.settle()
        self._set_rotation(backend, up=after is State.READY)
        for other in backend.others:
            self._follow(other, backend)
        told = sentence(backend.obstacles) if waits else reason
        self._tell(backend, before, told, spoken_of)

    def _follow(self, backend: Backend, owner: Backend) -> None:
        """Take `backend` out and bring it back with the process of its `owner`."""
        runs = owner.state in (State.READY, State.UNHEALTHY)
        if runs:
            backend.settle()
        self._set_rotation(backend, up=runs and backend.state is State.READY)
        if runs and backend.state is State.UNHEALTHY:
            backend.suspected.set()  # its life has seen nobody there so far: it is to look now

    def want(self, backend: Backend, intent: Intent) -> None:
        """Say what is wanted of `backend` from now on, before a move shows it."""
        backend.intent = wanted_by(intent, backend.intent)

    def end_trial(self, backend: Backend) -> None:
        """From now on it runs, or doesn't, as it has turned out."""
        if backend.intent is Intent.TRIAL:
            backend.intent = Intent.DOWN if backend.state in AT_REST else Intent.UP
        self.nudge()

    def look_ahead(self, backend: Backend) -> tuple[Obstacle, ...]:
        """Return what stands between `backend` and its start; say so if it has become hopeless."""
        found = self.obstacles(backend.spec, backend.behind)
        if backend.state is State.WAITING and found != backend.obstacles:
            was_stuck, backend.obstacles = backend.stuck, found
            if backend.stuck and not was_stuck:
                self.say(f"does not start: it waits {sentence(found)}", backend)
            self._announce(backend)  # others may be waiting for this one
        return found

    def started(self, backend: Backend, pid: int) -> None:
        """Say which process `backend` is now."""
        backend.pid, backend.left = pid, ()
        backend.has_run = True
        self._announce(backend)

    def exited(self, backend: Backend) -> None:
        """Take `backend` out in the instant its process has gone; what that means comes later."""
        for each in (backend, *backend.others):
            self._set_rotation(each, up=False)

    def ended(self, backend: Backend, what: str, code: int, uptime: float) -> None:
        """Keep how its process ended, after so many seconds."""
        backend.ended = Ended(what, code, uptime, self._clock())

    def ended_unasked(self, backend: Backend) -> None:
        """Keep that a run of it has ended by itself."""
        backend.ended_unasked = True

    def lost(self, backend: Backend, reason: str) -> None:
        """Its life ended by a bug of ours: nobody will move this backend again."""
        before, backend.state, backend.pid = backend.state, State.FAILED, None
        self.want(backend, Intent.DOWN)
        backend.last_error = reason
        self.exited(backend)
        self.events.publish(
            StateChanged(backend.spec.label, before, State.FAILED, reason, None, self._clock())
        )

    def _tell(self, backend: Backend, before: State, reason: str, pid: int | None) -> None:
        after = backend.shown
        if after is not before:
            spent = self.age(backend)
            backend.since, backend.moved = self.steady(), self._clock()
            self.events.publish(
                StateChanged(backend.spec.label, before, after, reason, pid, backend.moved, spent)
            )

    # ---- what a user does about rotation alone; all else is an order to the life

    def pause(self, backend: Backend) -> None:
        """Keep `backend` out of rotation until `resume`, through crashes and restarts."""
        before, backend.paused = backend.shown, True
        self._set_rotation(backend, up=False)
        self._tell(backend, before, "", backend.pid)

    def resume(self, backend: Backend) -> None:
        """Let `backend` be in rotation again, if it is ready."""
        before, backend.paused = backend.shown, False
        self._set_rotation(backend, up=backend.state is State.READY)
        self._tell(backend, before, "", backend.pid)

    def lend(self, backend: Backend, at: Location | None) -> None:
        """Send its requests to whoever listens there while it is stopped, or to nobody again."""
        backend.lent, backend.found_at = at is not None, at
        self._set_rotation(backend, up=backend.lent)

    def retire(self, backend: Backend) -> None:
        """Take `backend` out for good: it is to finish what it has, stop, and be removed."""
        backend.intent = Intent.LEAVING
        del self.backends[backend.spec.label]
        self.leaving.append(backend)
        self._set_rotation(backend, up=False)

    # ---- what a request does

    def suspect(self, backend: Backend, reason: str) -> None:
        """Take `backend` out at once: nobody listens there. Its life looks into it now."""
        backend.last_error = backend.elsewhere or reason
        if backend.in_rotation:
            self._set_rotation(backend, up=False)
            backend.suspected.set()

    def broke(self, backend: Backend, reason: str) -> None:
        """Count a connection that broke; so many in a row are as good as a refused one."""
        backend.last_error = reason
        backend.failures += 1
        if backend.failures >= BROKEN_IN_A_ROW:
            self.suspect(backend, reason)

    def enter(self, backend: Backend) -> None:
        """Count a request in, until `leave` after the last byte of its answer."""
        backend.in_flight += 1

    def leave(self, backend: Backend, *, lasting: bool = False) -> None:
        """Count a request out; `lasting` if it had been declared so by `outlast`."""
        backend.in_flight -= 1
        if lasting:
            backend.lasting -= 1
        if backend.drained is not None and backend.in_flight == backend.lasting:
            backend.drained.set()

    def outlast(self, backend: Backend) -> None:
        """Declare that a request ends only when a side leaves (a tunnel, an event stream).

        Nobody waits for such a request when the backend is drained.
        """
        backend.lasting += 1
        if backend.drained is not None and backend.in_flight == backend.lasting:
            backend.drained.set()

    async def wait_drained(self, backend: Backend) -> None:
        """Wait until only lasting requests are left at what the process of `backend` serves."""
        for each in (backend, *backend.others):
            await self._drained(each)

    async def _drained(self, backend: Backend) -> None:
        if backend.in_flight > backend.lasting:
            backend.drained = trio.Event()
            backend.keeps_until = trio.current_time() + KEEPS
            try:
                await backend.drained.wait()
            finally:
                backend.drained = None

    def _set_rotation(self, backend: Backend, *, up: bool) -> None:
        there = backend.shown is State.READY or (backend.lent and not backend.paused)
        up = up and there and not backend.leaving
        if up:
            backend.failures = 0
            if not backend.in_rotation:
                backend.ups += 1
                backend.seats.renew()
        if up is not backend.in_rotation and backend.spec.host:
            self.events.publish(RotationChanged(backend.spec.label, up, self._clock()))
        backend.in_rotation = up
        self._announce(backend)

    def _announce(self, backend: Backend) -> None:
        """Wake whoever watches this backend, its pool, or any."""
        self.changed.set()
        self.changed = trio.Event()
        backend.changed.set()
        backend.changed = trio.Event()
        if backend.pool is not None:
            backend.pool.wake()

    # ---- what a face sees

    def snapshot(self) -> list[Snapshot]:
        """Return a row for each backend, in listed order."""
        return [self._row(backend) for backend in self.backends.values()]

    def goodbyes(self) -> list[Snapshot]:
        """Return a row for each backend that is leaving."""
        return [self._row(backend) for backend in self.leaving]

    def _row(self, backend: Backend) -> Snapshot:
        spec = backend.spec
        return Snapshot(
            name=spec.name,
            label=spec.label,
            replica=spec.replica,
            backend=str(spec.address) if spec.address else None,
            port=spec.address.port if spec.address else None,
            external=backend.external,
            served_by=backend.spec.served_by,
            state=backend.shown,
            pid=backend.process.pid,
            restarts=backend.process.restarts,
            since=self.since(backend),
            in_rotation=backend.in_rotation and backend.weight > 0,
            weight=backend.weight,
            in_flight=backend.in_flight,
            last_error=backend.witness.last_error,
            url=self.url(spec.host) if spec.host else None,
            command=_command(backend.process.spec),
            waiting_for=backend.witness.obstacles,
        )

    def url(self, host: str) -> str:
        """Return the URL under which clients reach `host`."""
        pool = self.pools.get(host)  # None: a backend of it is still leaving
        tls = pool is not None and pool.https is not None
        return url_of(host, self.ports.of(tls=tls), tls=tls)

    def stats(self) -> dict[str, dict[str, Figures]]:
        """Return host → `host:port` → figures.

        `rpx` has those of what rpx has answered itself or still holds, where there is such.
        """
        return by_host(self.pools)

    def stats_by_address(self) -> dict[str, Figures]:
        """Return `host:port` → figures, added up where a backend serves several hosts."""
        return by_address(self.pools.values())


def _command(spec: BackendSpec) -> str | None:
    if spec.start is None:
        return None
    command = spec.start.command
    return command if isinstance(command, str) else shlex.join(command)
