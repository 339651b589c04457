"""Connections to backends: the idle ones of each, and how a new one is made."""

from __future__ import annotations

import socket
import ssl
from collections import defaultdict
from functools import partial

import trio

from rpx.http.memory import ResponseMemory
from rpx.http.response import ResponseHead
from rpx.hub.records import Backend
from rpx.hub.tls import client_context, fault_of
from rpx.model.address import Address, Tls
from rpx.model.config import Timeouts
from rpx.policy.retry import Failure
from rpx.proxy.dial import Dialer
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import NEVER, NO_MORE_FILES, Wire
from rpx.proxy.tls import TlsWire

IDLE_MOST = 256  # per backend


class Upstreams:
    """Takes connections out, takes them back. Its methods but `open` never wait."""

    def __init__(self, timeouts: Timeouts, reactor: Reactor) -> None:
        self._timeouts = timeouts
        self._reactor = reactor
        self._idle: dict[Backend, list[Wire]] = defaultdict(list)
        self._dialer = Dialer(timeouts.connect, reactor)
        self._sessions: dict[Address, ssl.SSLSession] = {}  # TLS: for the next connection

    def settle(self, timeouts: Timeouts) -> None:
        """Go by these from now on."""
        self._timeouts = timeouts
        self._dialer.timeout = timeouts.connect

    def take_idle(self, backend: Backend, *, now: float, careful: bool) -> Wire | None:
        """Return the connection used last, or None.

        Look whether the connection still stands, and whether nothing has come that nobody asked
        for (it would be taken for the answer), unless it was busy until now. `careful`: always
        look, because the request can't be sent twice.
        """
        idle = self._idle[backend]
        while idle:
            wire = idle.pop()
            look = careful or wire.since < now
            if wire.deadline > now and (not look or wire.is_quiet()):
                wire.reused = True
                wire.deadline = NEVER
                return wire
            wire.close()
        return None

    def give_back(self, backend: Backend, wire: Wire, answer: ResponseHead, *, now: float) -> None:
        """Keep `wire`, on which `answer` has come last, for the next request."""
        idle = self._idle[backend]
        if backend.in_rotation and len(idle) < IDLE_MOST:
            # Some servers write a body behind an answer that has none (to HEAD, 304): always look.
            wire.since = now if answer.length else -NEVER
            keeps = answer.keep_alive_timeout
            wire.deadline = now + (
                self._timeouts.upstream_idle if keeps is None else max(keeps - 1.0, 0.0)
            )
            idle.append(wire)
        else:
            wire.close()

    def forget(self, backend: Backend) -> None:
        """Close the idle connections to one backend."""
        for wire in self._idle.pop(backend, ()):
            wire.close()

    def expire(self, now: float) -> bool:
        """Close what has been idle for too long, or leads to a backend that is out.

        Tell whether any are left.
        """
        for backend, idle in self._idle.items():
            if not idle:
                continue
            old = [w for w in idle if w.deadline <= now or not backend.in_rotation]
            for wire in old:
                idle.remove(wire)
                wire.close()
        for backend in [each for each, idle in self._idle.items() if each.leaving and not idle]:
            del self._idle[backend]
        return any(self._idle.values())

    def close(self) -> None:
        """Close every idle connection."""
        for idle in self._idle.values():
            for wire in idle:
                wire.close()
        self._idle.clear()

    async def open(self, backend: Backend) -> Wire:
        """Connect to a backend. Raises OSError; TimeoutError when nothing answers at all."""
        address = backend.spec.address
        if address is None:
            raise ConnectionRefusedError  # for the type checker: pools have only routed backends
        if isinstance(address, Address) and address.tls is not None:
            wire = await self._secured(address, address.tls)
        else:
            wire = Wire(await self._dialer.dial(address), self._reactor)
        wire.traffic = backend.counts.traffic
        wire.memory = ResponseMemory()
        return wire

    async def _secured(self, address: Address, tls: Tls) -> Wire:
        wire: TlsWire | None = None
        try:
            async with self._reactor.task():
                context = await client_context(tls)
                sock = await self._dialer.dial(address)
                wire = self._tls_wire(sock, address, context)
                with trio.move_on_after(self._timeouts.connect) as wait:
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
        return TlsWire(
            sock,
            self._reactor,
            context,
            host=address.host,
            session=self._sessions.get(address),
            keep=partial(self._sessions.__setitem__, address),
        )


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
