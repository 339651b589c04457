"""The door: listening sockets, and a task for each client that comes in."""

from __future__ import annotations

import errno
import socket
from collections.abc import Awaitable, Callable, Sequence

import trio

from rpx.http.forwarded import Forwarding
from rpx.http.limits import DEFAULT
from rpx.http.limits import Limits as HeadLimits
from rpx.hub.descriptors import allowed, ceiling, room_for_clients
from rpx.hub.patience import Patience
from rpx.hub.records import Backend
from rpx.hub.registry import Registry
from rpx.hub.walls import walled
from rpx.model.address import both
from rpx.model.config import Limits, Timeouts
from rpx.proxy.connection import Connection
from rpx.proxy.contexts import Contexts
from rpx.proxy.peers import Peers
from rpx.proxy.reactor import Reactor
from rpx.proxy.sockets import NO_MORE_FILES, Wire, accept
from rpx.proxy.splice import close_spare
from rpx.proxy.sweeper import Hangups, Sweeper
from rpx.proxy.upstream import Upstreams
from rpx.proxy.wire import NEVER

BACKLOG = 1024
TURN = 32  # clients let in without a wait after which those that are in have their turn
DRAIN = 10.0  # seconds that requests under way get when rpx goes down
TELL_AGAIN = 60.0  # seconds between two words about the same shortage


class Server:
    """The data path of one project. Everything that requests share hangs here."""

    def __init__(
        self,
        registry: Registry,
        report: Callable[[ExceptionGroup[Exception]], None],
        *,
        verbose: bool = False,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        contexts: Contexts | None = None,
        trusted: Sequence[str] = (),
    ) -> None:
        """`report` gets what went wrong on one connection by a bug of ours; the others go on.
        `contexts` are there when some of the listeners have TLS. `trusted`: proxies before rpx.
        """
        self.registry = registry
        self.reactor = Reactor()
        self.upstreams = Upstreams(timeouts or Timeouts(), self.reactor, self.remark)
        self.sweeper = Sweeper(self.upstreams, self._unread)
        self.upstreams.wake = self.sweeper.wake
        self.settle(verbose=verbose, timeouts=timeouts or Timeouts(), limits=limits or Limits())
        self.hangups = Hangups()
        self.contexts = contexts
        self.peers = Peers(trusted)
        self.draining = False
        self._told = -TELL_AGAIN  # when somebody was last told that there are not enough files
        self.report = report
        self._doors: set[socket.socket] = set()
        self._front: trio.Nursery | None = None

    def remark(self, backend: Backend, text: str) -> None:
        """Say something about the way `backend` answers, the first time that it is seen."""
        if text not in backend.remarks:
            backend.remarks.add(text)
            self.registry.say(text, backend)

    def _unread(self, peer: Forwarding) -> None:
        self.registry.say(
            f"a client at {peer.client.decode()} took nothing of its answer for"
            f" {self.timeouts.send:g} s (`timeouts.send`), and is cut off"
        )

    def settle(self, *, verbose: bool, timeouts: Timeouts, limits: Limits) -> None:
        """Go by these settings from the next request on."""
        self.verbose = verbose
        self.timeouts = timeouts
        self.sweeper.send = timeouts.send
        self.upstreams.settle(timeouts)
        self.limits = limits
        self.most = min(limits.connections, room_for_clients())
        self.head_limits = HeadLimits(
            head=limits.head,
            lines=limits.head_lines,
            answer_lines=max(limits.head_lines, DEFAULT.answer_lines),
            target=limits.target,
        )

    def answer_by(self) -> float:
        """Return when a backend that is asked now must have begun to answer."""
        wait = self.timeouts.answer
        return NEVER if wait is None else self.sweeper.now + wait

    async def run(
        self,
        listeners: Sequence[socket.socket],
        asked_to_stop: Callable[[], Awaitable[None]],
        patience: Patience,
        *,
        tls: Sequence[socket.socket] = (),
    ) -> None:
        """Serve clients until `asked_to_stop` returns; then finish what is under way, no more.

        `tls`: the listeners for those who speak it.
        """
        self._doors = {*listeners, *tls}
        try:
            async with trio.open_nursery() as helpers:
                helpers.start_soon(self.sweeper.run)
                helpers.start_soon(self.hangups.run)
                with patience.within() as drain:
                    async with trio.open_nursery() as requests:
                        await requests.start(self.reactor.run)
                        async with trio.open_nursery() as self._front:
                            self.let_in(listeners)
                            self.let_in(tls, lambda: self.contexts)
                            await asked_to_stop()
                            self._front.cancel_scope.cancel(reason="no new connections")
                        self._front = None
                        self._drain()
                        self.reactor.finish()
                        drain.deadline = trio.current_time() + DRAIN
                helpers.cancel_scope.cancel(reason="requests are done")
        finally:
            for listener in self._doors:
                listener.close()
            self.reactor.close()  # first: what ends there may give a connection back
            self.upstreams.close()
            self.hangups.close()
            close_spare()

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
                self._front.start_soon(self._accept, listener, secured)

    async def _accept(
        self, listener: socket.socket, secured: Callable[[], Contexts | None]
    ) -> None:
        turn = TURN
        while True:
            try:
                sock, address = await accept(listener)
            except OSError as error:
                if error.errno not in NO_MORE_FILES:
                    raise
                self._full(f"can't take more connections: {error.strerror}", error.errno)
                await trio.sleep(1)  # for some to close; the others wait in the backlog
            else:
                if sock.fileno() >= ceiling():  # not even for those who are told that it is full
                    sock.close()
                    self._full("no more clients can be connected")
                    await trio.lowlevel.checkpoint()
                    continue
                surplus = len(self.sweeper.connections) >= self.most
                if surplus and self.most < self.limits.connections:
                    self._full(f"no more than {self.most} clients can be connected")
                wire = Wire(sock, self.reactor)
                contexts = secured()  # others after a reload
                connection = Connection(self, wire, address, surplus=surplus, contexts=contexts)
                self.sweeper.add(connection)  # here, so that no drain overlooks it
                self.reactor.begin(walled(self.report, connection.serve))
                turn -= 1
                if not turn:
                    turn = TURN
                    await trio.lowlevel.checkpoint()

    def _full(self, what: str, code: int = errno.EMFILE) -> None:
        """Say, once in a while, that there are not enough files for all who come."""
        if self.sweeper.now - self._told > TELL_AGAIN:
            self._told = self.sweeper.now
            why = f"; rpx may have {allowed()} files open (`ulimit -n`)"
            self.registry.say(what + why if code == errno.EMFILE else what)

    def _drain(self) -> None:
        self.draining = True
        for listener in self._doors:
            listener.close()
        for connection in list(self.sweeper.connections):
            connection.leave_if_idle()
        self.registry.nudge()


def open_listeners(host: str, port: int) -> list[socket.socket]:
    """Listen on `host`; where that means both families, on the same port. 0: any free port.

    Raises OSError when the port can't be had on one of them; a family that this machine doesn't
    have at all is left out.
    """
    one, *other = both(host)
    for _ in range(20 if port == 0 else 1):
        first = _listen(one, port)
        try:
            return [first, *(_listen(each, first.getsockname()[1]) for each in other)]
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                return [first]
            first.close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, f"no port is free on both {one} and {other[0]}")


def _listen(host: str, port: int) -> socket.socket:
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
