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
from rpx.hub.backend_tls import ANY_HTTP, HTTP_1, client_context, fault_of
from rpx.hub.endpoint import Endpoint
from rpx.hub.seats import Seats
from rpx.model.address import Address, Location, Tls
from rpx.policy import protocol_hints
from rpx.policy.retry import Failure
from rpx.proxy.backend_connection import BackendConnection, OtherProtocol
from rpx.proxy.dial import Dialer
from rpx.proxy.reactor import Reactor
from rpx.proxy.settings import Settings
from rpx.proxy.shared_connections import Report, SharedConnections
from rpx.proxy.sockets import NO_MORE_FILES, Wire
from rpx.proxy.tls import TlsWire
from rpx.proxy.wire import NEVER, BackendWire

LOOK = 1e-6  # seconds of rest after which a connection is looked at before it is used
RETICENT = "closes idle connections without saying so, or writes behind answers: none are kept"


class Upstreams:
    """Takes connections out, takes them back. Its methods but `open` never wait.

    Those that rest carry nothing but requests that can be sent again, and that leave nothing behind
    (see `Exchange`): any server may close one at any time, and read it as it likes.
    """

    def __init__(
        self,
        reactor: Reactor,
        remark: Callable[[Endpoint, str], None],
        report: Report,
        settings: Callable[[], Settings],
    ) -> None:
        """`remark` says something about a backend, once. `report` as of SharedConnections."""
        self._reactor = reactor
        self._remark = remark
        self._settings = settings
        self._shared = SharedConnections(reactor, report)
        self._agreed: set[Location] = set()  # on HTTP/2, where TLS was spoken last
        self._places: set[Seats] = set()  # where there are connections
        self._dialer = Dialer(reactor)
        # TLS: for the next connection, if it has the same context (else `ssl` refuses it)
        self._sessions: dict[Address, tuple[ssl.SSLContext, ssl.SSLSession]] = {}
        self.wake: Callable[[], None] = lambda: None  # has `expire` called soon

    def at_hand(
        self, backend: Endpoint, now: float, *, alone: bool, single: bool
    ) -> BackendWire | None:
        """Return what can carry a request at once, or None.

        `alone`: it is to be no connection of HTTP/1.1 that another request has had; `single`: none
        of another protocol.
        """
        stream = None if single else self._shared.stream(backend)
        if stream is not None or alone:
            return stream
        return self.take_idle(backend, now)

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
        self, backend: Endpoint, wire: BackendWire, answer: ResponseHead, now: float, rest: float
    ) -> None:
        """Keep `wire`, on which `answer` has come last, for the next request.

        `rest`: seconds that it may be idle where the backend doesn't say; 0 keeps none.
        """
        assert isinstance(wire, Wire)  # noqa: S101 - a stream carries one request
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
        due = self._shared.expire(now, self._settings().timeouts.upstream_idle)
        for seats in list(self._places):
            due = min(due, seats.expire(now))
            if seats.empty:
                self._places.discard(seats)
        return due

    def leave(self) -> None:
        """rpx goes down: no connection is to outlast the requests on it."""
        self._shared.leave()

    def close(self) -> None:
        """Close every idle connection."""
        for seats in self._places:
            seats.close()

    async def open(
        self, backend: Endpoint, now: float, *, within: float, single: bool = False
    ) -> BackendWire:
        """Connect to a backend within so many seconds, or twice as many if it speaks TLS or HTTP/2.

        `single`: for HTTP/1.1, on a connection of its own. Raises: OSError (TimeoutError when
        nothing answers at all).
        """
        address = backend.spec.address
        if isinstance(address, Address) and address.tls is not None and not single:
            if address not in self._agreed:
                return await self._first(backend, now, within)
        elif single or not address.h2c:
            return await self._wire(backend, now, within)
        connect = partial(self._connect, backend, now, within)
        return await self._shared.open(backend, connect, within)

    async def _first(self, backend: Endpoint, now: float, within: float) -> BackendWire:
        """TLS agrees on what is spoken: return a connection of HTTP/1.1, or a stream of another."""
        wire = await self._wire(backend, now, within, protocols=ANY_HTTP)
        if not _agreed_on_http2(wire):
            return wire
        self._agreed.add(backend.spec.address)
        connection = self._carrying(wire, b"https")
        return await self._shared.begin(backend, connection, within)

    async def _connect(self, backend: Endpoint, now: float, within: float) -> BackendConnection:
        address = backend.spec.address
        if address.h2c:
            return self._carrying(await self._wire(backend, now, within), b"http")
        wire = await self._wire(backend, now, within, protocols=ANY_HTTP)
        if _agreed_on_http2(wire):
            return self._carrying(wire, b"https")
        self._agreed.discard(address)  # it did before: another server, or other settings of it
        wire.drop()
        raise OtherProtocol(protocol_hints.speaks(protocol_hints.HTTP_1, protocol_hints.HTTP_2))

    def _carrying(self, wire: Wire, scheme: bytes) -> BackendConnection:
        return BackendConnection(
            wire,
            self._reactor,
            scheme,
            head=self._settings().limits.head,
            keeps=lambda: self._settings().timeouts.upstream_idle,
        )

    async def _wire(
        self,
        backend: Endpoint,
        now: float,
        within: float,
        protocols: tuple[str, ...] = HTTP_1,
    ) -> Wire:
        """Return a new connection, on which nothing has been said but TLS. Raises: OSError."""
        address, door = backend.spec.address, backend.door
        if address is None or door is None:
            raise ConnectionRefusedError  # none that is ours has been seen to listen there
        if backend.seats.reticent:
            self._remark(backend, RETICENT)
        seat = backend.seats.enter(now)
        self._places.add(seat.seats)
        try:
            if isinstance(address, Address) and address.tls is not None:
                wire = await self._secured(address, address.tls, door, within, protocols)
            else:
                wire = Wire(await self._dialer.dial(door, within), self._reactor)
        except BaseException:
            seat.seats.leave(seat)
            raise
        wire.seat = seat
        wire.traffic = backend.counts.traffic
        wire.memory = ResponseMemory()
        return wire

    async def _secured(
        self, address: Address, tls: Tls, door: Location, within: float, protocols: tuple[str, ...]
    ) -> Wire:
        wire: TlsWire | None = None
        try:
            async with self._reactor.task():
                context = await client_context(tls, protocols)
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


def _agreed_on_http2(wire: Wire) -> bool:
    return isinstance(wire, TlsWire) and wire.tls.selected_alpn_protocol() == "h2"


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
    elif isinstance(error, OtherProtocol):
        return Failure.FOREIGN, str(error)
    elif isinstance(error, ConnectionResetError):
        return failure, "closed the connection before it spoke"
    return failure, failure.value
