"""The door: listening sockets, and a task for each client that comes in."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import trio

from rpx.hub.descriptors import allowed, ceiling
from rpx.hub.error_boundary import contain_errors
from rpx.hub.patience import Patience
from rpx.model.address import both
from rpx.proxy.arrival import Arrival, Returns
from rpx.proxy.connection import Connection
from rpx.proxy.contexts import Contexts
from rpx.proxy.inlet import Inlet
from rpx.proxy.shared import SharedState
from rpx.proxy.sockets import NO_MORE_FILES, Wire, accept
from rpx.proxy.sweeper import Leaving
from rpx.proxy.wire import Cut

BACKLOG = 1024
TURN = 32  # clients let in without a wait after which those that are in have their turn
DRAIN = 10.0  # seconds that requests under way get when rpx goes down
TELL_AGAIN = 60.0  # seconds between two words about the same shortage

NO_INLETS: Final[Mapping[str, Inlet]] = MappingProxyType({})


class WayIn(Protocol):
    """Somebody else who lets clients in, while the server runs."""

    async def run(self, server: Server) -> None:
        """Take them from there, until cancelled."""

    async def leave(self) -> None:
        """Take those that are under way, and no more."""


class Server:
    """The data path of one project: its listeners, and the clients that they let in."""

    def __init__(self, shared: SharedState) -> None:
        self.shared = shared
        self._told = -TELL_AGAIN  # when somebody was last told that there are not enough files
        self._doors: set[socket.socket] = set()
        self._inlets: dict[str, Inlet] = {}
        self._front: trio.Nursery | None = None
        self._back: trio.Nursery | None = None  # where services come in

    async def run(
        self,
        listeners: Sequence[socket.socket],
        asked_to_stop: Callable[[], Awaitable[None]],
        patience: Patience,
        *,
        tls: Sequence[socket.socket] = (),
        inlets: Mapping[str, Inlet] = NO_INLETS,
        besides: WayIn | None = None,
        services_end: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint,
    ) -> None:
        """Serve clients until `asked_to_stop` returns; then finish what is under way, no more.
        Services may come in until `services_end` returns, which is called after that, and is
        cancelled when patience is lost.

        `tls`: the listeners for those who speak it; `inlets`: those for services, by variable;
        `besides`: by whom clients come as well.
        """
        shared = self.shared
        self._doors = {*listeners, *tls, *(inlet.listener for inlet in inlets.values())}
        try:
            async with trio.open_nursery() as helpers:
                helpers.start_soon(shared.sweeper.run)
                helpers.start_soon(shared.hangups.run)
                with patience.within() as drain:
                    async with trio.open_nursery() as requests:
                        await requests.start(shared.reactor.run)
                        async with trio.open_nursery() as self._back:
                            self.lead({name: each.to for name, each in inlets.items()}, inlets)
                            async with trio.open_nursery() as self._front:
                                self.let_in(listeners)
                                self.let_in(tls, lambda: shared.contexts)
                                if besides is not None:
                                    self._front.start_soon(besides.run, self)
                                await asked_to_stop()
                                shared.draining = True
                                if besides is not None:
                                    await besides.leave()
                                self._front.cancel_scope.cancel(reason="no new connections")
                            self._front = None
                            await self._drain(patience)
                            await services_end()
                            self._back.cancel_scope.cancel(reason="no service is left")
                        self._back = None
                        for listener in self._doors:
                            listener.close()
                        for connection in list(shared.sweeper.connections):
                            connection.leave_if_idle()
                        shared.upstreams.leave()
                        shared.reactor.finish()
                        drain.deadline = trio.current_time() + DRAIN
                helpers.cancel_scope.cancel(reason="requests are done")
        finally:
            for listener in self._doors:
                listener.close()
            shared.reactor.close()  # first: what ends there may give a connection back
            shared.upstreams.close()
            shared.hangups.close()
            shared.pipes.close()

    def let_in(
        self,
        listeners: Sequence[socket.socket],
        secured: Callable[[], Contexts | None] = lambda: None,
    ) -> None:
        """Let clients in by these while the server runs; `secured` is there if they speak TLS."""
        self._doors.update(listeners)
        for listener in listeners:
            if self._front is None:
                listener.close()
            else:
                self._front.start_soon(self.accept, listener, secured)

    def lead(self, proxies: Mapping[str, str], opened: Mapping[str, Inlet]) -> None:
        """Let services in by these while the server runs, and by no others.

        `proxies`: variable → `to` of all that they are to reach. Inlets that are there for one of
        them stay, whatever proxy they lead to now; those for others are to be `opened`.
        """
        for name in [name for name in self._inlets if name not in proxies]:
            inlet = self._inlets.pop(name)
            inlet.lead("")
            inlet.closing.cancel(reason="its proxy has gone")
        for name, to in proxies.items():
            if name in self._inlets:
                self._inlets[name].lead(to)
            elif self._back is None:
                opened[name].listener.close()
            else:
                inlet = self._inlets[name] = opened[name]
                self._doors.add(inlet.listener)
                self._back.start_soon(self._accept_services, inlet)

    async def _accept_services(self, inlet: Inlet) -> None:
        with inlet.closing:
            await self.accept(inlet.listener, lambda: None, inlet)
        self._doors.discard(inlet.listener)
        inlet.listener.close()

    async def accept(
        self,
        listener: socket.socket,
        secured: Callable[[], Contexts | None],
        inlet: Inlet | None = None,
        to: Returns | None = None,
        entrance: int = 0,
    ) -> None:
        """Take all who come by it, until it is closed or we are cancelled, which may be the same.

        The rest is as for `let_in` and `Arrival`.
        """
        turn = TURN
        while True:
            try:
                sock, address, port = await accept(listener)
            except OSError as error:
                if listener.fileno() < 0:  # before we have begun, or waited again
                    return
                if error.errno not in NO_MORE_FILES:
                    raise
                self._full(f"can't take more connections: {error.strerror}", error.errno)
                await trio.sleep(1)  # for some to close; the others wait in the backlog
            else:
                arrival = Arrival(address, port, to, entrance, inlet=inlet)
                self.take(sock, arrival, secured())  # others after a reload
                turn -= 1
                if not turn:
                    turn = TURN
                    await trio.lowlevel.checkpoint()

    def take(self, sock: socket.socket, arrival: Arrival, contexts: Contexts | None) -> None:
        """Serve a client that has come in, by a non-blocking socket. `contexts`: to a TLS port."""
        shared = self.shared
        if sock.fileno() >= ceiling():  # not even for those who are told that it is full
            sock.close()
            self._full("no more clients can be connected")
            return
        most = shared.settings.clients
        surplus = len(shared.sweeper.connections) >= most
        if surplus and most < shared.settings.limits.connections:
            self._full(f"no more than {most} clients can be connected")
        wire = Wire(sock, shared.reactor)
        connection = Connection(shared, wire, arrival, surplus=surplus, contexts=contexts)
        shared.sweeper.add(connection)  # here, so that no drain overlooks it
        shared.reactor.begin(contain_errors(shared.report, connection.serve))

    def _full(self, what: str, code: int = errno.EMFILE) -> None:
        """Say, once in a while, that there are not enough files for all who come."""
        now = self.shared.sweeper.now
        if now - self._told > TELL_AGAIN:
            self._told = now
            why = f"; rpx may have {allowed()} files open (`ulimit -n`)"
            self.shared.registry.say(what + why if code == errno.EMFILE else what)

    async def _drain(self, patience: Patience) -> None:
        """Take no more requests of clients, and let those under way finish: what answers them may
        ask services.
        """
        for listener in self._doors.difference(inlet.listener for inlet in self._inlets.values()):
            listener.close()
        for connection in self._clients():
            connection.leave_if_idle()
        self.shared.registry.nudge()
        with patience.within(DRAIN):
            while self._clients():  # noqa: ASYNC110 - nothing tells, and it is once in a run
                await trio.sleep(0.01)
        for connection in self._clients():
            connection.left()
            connection.cut(Cut.DRAINED)

    def _clients(self) -> list[Leaving]:
        """The connections that are there, but for those by inlets."""
        return [
            connection
            for connection in self.shared.sweeper.connections
            if not (isinstance(connection, Connection) and connection.renaming is not None)
        ]


def open_listeners(host: str, port: int) -> list[socket.socket]:
    """Listen on `host`; where that means both families, on the same port. 0: any free port.

    Raises: OSError when the port can't be had on one of them; a family that this machine doesn't
    have at all is left out.
    """
    one, *other = both(host)
    for _ in range(20 if port == 0 else 1):
        first = listen_at(one, port)
        try:
            return [first, *(listen_at(each, first.getsockname()[1]) for each in other)]
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return [first]
            first.close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, f"no port is free on both {one} and {other[0]}")


def listen_at(host: str, port: int) -> socket.socket:
    """Listen at an address and no other, a port of 0 being any free one. Raises: OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock
