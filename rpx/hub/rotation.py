"""Who gets requests: what requests, checks and users do to the endpoints of a project."""

from __future__ import annotations

from typing import Final

import trio

from rpx.hub.backend import Backend
from rpx.hub.endpoint import Endpoint
from rpx.hub.members import Members
from rpx.hub.process import Process
from rpx.model.address import Location
from rpx.model.status import Intent, RotationChanged, State, StateChanged

# Seconds that clients may stay at a backend that they prefer, and that is drained: half of a drain,
# so that what they send last has ended before the process is told to go.
KEEPS: Final = 5.0
BROKEN_IN_A_ROW: Final = 3  # broken connections are as good as a refused one, which is at once


class Rotation(Members):
    """The part of the registry that says who gets requests."""

    # ---- what users do about rotation alone; all else is an order to a life

    def pause(self, endpoint: Endpoint) -> None:
        """Keep `endpoint` out of rotation until `resume`, through crashes and restarts."""
        before, endpoint.paused = endpoint.visible_state, True
        self._set_rotation(endpoint, up=False)
        self._tell_of(endpoint, before)

    def resume(self, endpoint: Endpoint) -> None:
        """Let `endpoint` be in rotation again, if it is ready."""
        before, endpoint.paused = endpoint.visible_state, False
        self._set_rotation(endpoint, up=endpoint.verdict is State.READY)
        self._tell_of(endpoint, before)

    def lend(self, endpoint: Endpoint, at: Location | None) -> None:
        """Send its requests to whoever listens there while it is stopped, or to nobody again."""
        endpoint.lent = at is not None
        endpoint.find(at)
        self._set_rotation(endpoint, up=endpoint.lent)

    def retire(self, backend: Backend) -> None:
        """Take `backend` out for good: it is to finish what it has, stop, and be removed."""
        del self.backends[backend.label]
        self.leaving.append(backend)
        if backend.own is not None:
            backend.own.intent = Intent.LEAVING
            self._announce(backend.own)
        if backend.endpoint is not None:
            backend.endpoint.leaving = True
            self._set_rotation(backend.endpoint, up=False)

    # ---- what a request does

    def connect_failed(self, endpoint: Endpoint, reason: str) -> None:
        """Take `endpoint` out at once: nobody listens there. It is checked now."""
        endpoint.blame(endpoint.standing.elsewhere or reason)
        if endpoint.in_rotation:
            self._set_rotation(endpoint, up=False)
            endpoint.check_soon()

    def exchange_failed(self, endpoint: Endpoint, reason: str) -> None:
        """Count a connection that broke; so many in a row are as good as a refused one."""
        endpoint.blame(reason)
        endpoint.failures += 1
        if endpoint.failures >= BROKEN_IN_A_ROW:
            self.connect_failed(endpoint, reason)

    def enter(self, endpoint: Endpoint) -> None:
        """Count a request in, until `leave` after the last byte of its answer."""
        endpoint.in_flight += 1

    def leave(self, endpoint: Endpoint, *, lasting: bool = False) -> None:
        """Count a request out; `lasting` if it had been declared so by `outlast`."""
        endpoint.in_flight -= 1
        if lasting:
            endpoint.lasting -= 1
        if endpoint.drained is not None and endpoint.in_flight == endpoint.lasting:
            endpoint.drained.set()

    def outlast(self, endpoint: Endpoint) -> None:
        """Declare that a request ends only when a side leaves (a tunnel, an event stream).

        Nobody waits for such a request when the endpoint is drained.
        """
        endpoint.lasting += 1
        if endpoint.drained is not None and endpoint.in_flight == endpoint.lasting:
            endpoint.drained.set()

    async def wait_drained(self, process: Process) -> None:
        """Wait until only lasting requests are left at what `process` serves."""
        for each in self.endpoints_of(process):
            await self._drained(each)

    async def _drained(self, endpoint: Endpoint) -> None:
        if endpoint.in_flight > endpoint.lasting:
            endpoint.drained = trio.Event()
            endpoint.keeps_until = trio.current_time() + KEEPS
            try:
                await endpoint.drained.wait()
            finally:
                endpoint.drained = None

    # ---- what follows

    def _set_rotation(self, endpoint: Endpoint, *, up: bool) -> None:
        there = endpoint.visible_state is State.READY or (endpoint.lent and not endpoint.paused)
        up = up and there and not endpoint.leaving
        if up:
            endpoint.failures = 0
            if not endpoint.in_rotation:
                endpoint.rotation_epoch += 1
                endpoint.seats.renew()
        if up is not endpoint.in_rotation and endpoint.spec.host:
            self.events.publish(RotationChanged(endpoint.label, up, self._clock()))
        endpoint.in_rotation = up
        self._announce(endpoint)

    def _announce(self, record: Endpoint | Process) -> None:
        """Wake whoever watches this process or endpoint, its pool, or any."""
        self.changed.set()
        self.changed = trio.Event()
        record.changed.set()
        record.changed = trio.Event()
        if isinstance(record, Endpoint) and record.pool is not None:
            record.pool.wake()

    def _tell_of(self, endpoint: Endpoint, before: State, reason: str = "") -> None:
        own = endpoint.process if endpoint.own else None
        self._tell(
            endpoint, before, endpoint.visible_state, reason, own.pid if own is not None else None
        )

    def _tell(
        self, about: Endpoint | Process, before: State, after: State, reason: str, pid: int | None
    ) -> None:
        if after is not before:
            label, standing = about.label, about.standing
            spent = self.age(standing)
            standing.since, standing.moved = self.steady(), self._clock()
            self.events.publish(
                StateChanged(label, before, after, reason, pid, standing.moved, spent)
            )
