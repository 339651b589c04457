"""Connections to backends: the idle ones of each, and how a new one is made.

Why is there no pool that hands connections out and makes others wait? Because a server of
development is not known to take more than one at a time, nor to keep any: what it can do shows
only by what it does (`hub/seats.py`), and so a connection is made whenever none is idle, and
closed when it is in the way of a new one. The last one used is the first one taken: the others
grow old and are closed, and a backend that has had a burst is left alone.

A connection is looked at before it is used, and that is never enough: its backend may close it
after the look. So only requests that may be sent twice go on one that has been used before, and
each of those that fails goes out again on a new one (docs/adr/0018). Idle ones are closed by the
sweeper's look, not by a timer of their own.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from functools import partial

import trio

from rpx.http.memory import ResponseMemory
from rpx.http.response import ResponseHead
from rpx.hub.backend_tls import client_context, fault_of
from rpx.hub.endpoint import Endpoint
from rpx.hub.seats import Seats
from rpx.model.address import Address, Location, Tls
from rpx.policy.retry import Failure
from rpx.proxy.dial import Dialer
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import NO_MORE_FILES, Wire
from rpx.proxy.tls import TlsWire
from rpx.proxy.wire import NEVER

LOOK = 1e-6  # seconds of rest after which a connection is looked at before it is used
RETICENT = "closes idle connections without saying so, or writes behind answers: none are kept"


class Upstreams:
    """Takes connections out, takes them back. Its methods but `open` never wait.

    Those that rest carry nothing but requests that can be sent again, and that leave nothing behind
    (see `Exchange`): any server may close one at any time, and read it as it likes.
    """

    def __init__(self, reactor: Reactor, remark: Callable[[Endpoint, str], None]) -> None:
        """`remark` says something about a backend, once."""
        self._reactor = reactor
        self._remark = remark
        self._places: set[Seats] = set()  # where there are connections
        self._dialer = Dialer(reactor)
        # TLS: for the next connection, if it has the same context (else `ssl` refuses it)
        self._sessions: dict[Address, tuple[ssl.SSLContext, ssl.SSLSession]] = {}
        self.wake: Callable[[], None] = lambda: None  # has `expire` called soon

    def take_idle(self, backend: Endpoint, now: float) -> Wire | None:
        """Return the connection used last, or None.

        Unless it was busy until now, look whether it still stands, and whether nothing has come
        that nobody asked for (it would be taken for the answer).
        """
        seats = backend.seats
        idle = seats.idle.get(backend)
        while idle:
            wire: Wire = idle.pop()
            if wire.deadline > now and (wire.since >= now or wire.is_quiet()):
                wire.reused = True
                wire.deadline = NEVER
                return wire
            if wire.deadline > now:
                seats.died(wire, now)
            wire.drop()
        return None

    def give_back(
        self, backend: Endpoint, wire: Wire, answer: ResponseHead, now: float, rest: float
    ) -> None:
        """Keep `wire`, on which `answer` has come last, for the next request.

        `rest`: seconds that it may be idle where the backend doesn't say; 0 keeps none.
        """
        keeps = answer.keep_alive_timeout
        if keeps is not None and rest:
            rest = keeps - 1.0
        if wire.seat.seats.keep(backend, wire, now, rest):
            self.wake()
        if not answer.length:  # some servers write a body behind an answer that has none: look
            wire.since = now - LOOK

    def expire(self, now: float) -> float:
        """Close what has been idle for too long, leads to a backend that is out, or is in the way.

        Return the seconds until the next look is due.
        """
        due = NEVER
        for seats in list(self._places):
            due = min(due, seats.expire(now))
            if seats.empty:
                self._places.discard(seats)
        return due

    def close(self) -> None:
        """Close every idle connection."""
        for seats in self._places:
            seats.close()

    async def open(self, backend: Endpoint, now: float, *, within: float) -> Wire:
        """Connect to a backend within so many seconds, or twice as many if it speaks TLS.

        Raises: OSError (TimeoutError when nothing answers at all).
        """
        address, door = backend.spec.address, backend.door
        if address is None or door is None:
            raise ConnectionRefusedError  # none that is ours has been seen to listen there
        if backend.seats.reticent:
            self._remark(backend, RETICENT)
        seat = backend.seats.enter(now)
        self._places.add(seat.seats)
        try:
            if isinstance(address, Address) and address.tls is not None:
                wire = await self._secured(address, address.tls, door, within)
            else:
                wire = Wire(await self._dialer.dial(door, within), self._reactor)
        except BaseException:
            seat.seats.leave(seat)
            raise
        wire.seat = seat
        wire.traffic = backend.counts.traffic
        wire.memory = ResponseMemory()
        return wire

    async def _secured(self, address: Address, tls: Tls, door: Location, within: float) -> Wire:
        wire: TlsWire | None = None
        try:
            async with self._reactor.task():
                context = await client_context(tls)
                sock = await self._dialer.dial(door, within)
                wire = self._tls_wire(sock, address, context)
                with trio.move_on_after(within) as wait:
                    await wire.handshake()
        except BaseException:
            if wire is not None:
                wire.close()
            raise
        if wait.cancelled_caught:
            wire.close()
            raise TimeoutError(f"no TLS handshake with {address} in time")
        return wire

    def _tls_wire(self, sock: socket.socket, address: Address, context: ssl.SSLContext) -> TlsWire:
        known, session = self._sessions.get(address, (None, None))
        return TlsWire(
            sock,
            self._reactor,
            context,
            host=address.host,
            session=session if known is context else None,
            keep=partial(self._keep, address, context),
        )

    def _keep(self, address: Address, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
        self._sessions[address] = context, session


def why_not(error: OSError) -> tuple[Failure, str]:
    """Return what it means that `Upstreams.open` has raised `error`, and why it has."""
    failure = Failure.REFUSED
    if error.errno in NO_MORE_FILES:
        failure = Failure.STARVED
    elif isinstance(error, socket.gaierror):
        failure = Failure.UNRESOLVED
    elif isinstance(error, TimeoutError):
        failure = Failure.TIMEOUT
    elif isinstance(error, FileNotFoundError):
        return failure, "its socket does not exist"
    elif isinstance(error, ssl.SSLError):
        return Failure.UNSECURED, fault_of(error)
    return failure, failure.value
