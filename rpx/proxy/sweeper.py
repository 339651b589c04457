"""One task for all time limits, and one for clients that leave while their backend thinks.

So that a request needs no timer, scope or task of its own: deadlines are times on the wire, and
a client is only watched once its exchange has turned out to be slow.
"""

from __future__ import annotations

import math
import select
import socket
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Protocol

import trio

from rpx.http.forwarded import Forwarding
from rpx.proxy.departures import departed
from rpx.proxy.sockets import Wire
from rpx.proxy.tunnel import Tunnel
from rpx.proxy.upstream import Upstreams
from rpx.proxy.wire import BackendWire, ClientWire, Cut

TICK = 0.04  # seconds between looks while something is under way
IDLE_TICK = 1.0  # and while there are only idle connections, or requests that are watched already
NOTHING = 60.0  # and while there is nothing at all
STUCK = 1.0  # seconds that a backend takes nothing, after which its client may have left unseen


class Swept(Protocol):
    """A client connection, or a stream of one, as the sweeper sees it."""

    @property
    def wire(self) -> ClientWire:
        """Whose deadline is looked at."""

    peer: Forwarding

    @property
    def tunnel(self) -> object:
        """Set while all that it is used for is tunnels, which have no limit."""

    upstream: BackendWire | None  # set while a request is under way
    seen: int  # how often the sweeper has looked at the present request; at 2 that's enough

    def cut(self, why: Cut) -> None:
        """A deadline of the client has passed."""

    def watch(self) -> None:
        """The exchange is slow: from now on notice when the client leaves."""

    def left(self) -> None:
        """The client has gone."""


class Leaving(Swept, Protocol):
    """A connection, which is also asked to go."""

    def leave_if_idle(self) -> None:
        """rpx goes down: close what nobody waits for."""


class Sweeper:
    """Cuts wires whose deadline has passed.

    `looked` is when it last looked at trio's clock, `date` that moment as a Date line's value.
    """

    date = b""
    _second = -1
    looked = -math.inf

    def __init__(
        self,
        upstreams: Upstreams,
        unread: Callable[[Forwarding], None],
        patience: Callable[[], float],
    ) -> None:
        """`unread` says that a client is cut off which takes nothing of its answer. `patience`
        gives the seconds that a client or a backend may take nothing of what it gets.
        """
        self.connections: set[Leaving] = set()
        self.streams: set[Swept] = set()  # of those that have several
        self._upstreams = upstreams
        self._unread = unread
        self._patience = patience
        self._let_go_at = -math.inf  # when it last looked whose client has gone unseen
        self._stirred = False  # requests have been answered since it last looked
        self._nap: trio.Event | None = None  # set: asleep until something happens
        self._refresh()

    @property
    def now(self) -> float:
        """trio's clock, a tick ago at most: else a short time limit were over before it began."""
        if self._nap is not None:  # nobody keeps the time
            self._refresh()
        return self.looked

    def add(self, connection: Leaving) -> None:
        """Look at `connection` from now on."""
        self.connections.add(connection)
        self.wake()

    def _refresh(self) -> None:
        self.looked = trio.current_time()
        second = int(time.time())
        if second != self._second:
            self._second = second
            self.date = formatdate(second, usegmt=True).encode()

    def wake(self) -> None:
        """A request or a client has come: look at once, and decide how often from now on."""
        if self._nap is not None:
            self._nap.set()

    def stir(self) -> None:
        """A request is answered without a backend: keep the time for those that come behind it."""
        if not self._stirred:
            self._stirred = True
            self.wake()

    async def run(self) -> None:
        """Look at all connections, often while requests are under way, else once a second."""
        while True:
            rest = self._look()
            if rest <= TICK:
                await trio.sleep(TICK)
            else:
                self._nap = trio.Event()
                with trio.move_on_after(rest):
                    await self._nap.wait()
                self._nap = None

    def _look(self) -> float:
        """Look at everything; return the seconds until the next look."""
        self._refresh()
        now = self.looked
        busy, self._stirred = self._stirred, False
        for connection in [*self.connections, *self.streams]:
            if connection.wire.deadline < now:
                connection.cut(Cut.LATE)
            elif connection.wire.stuck < now and self._is_unread(connection, now):
                self._unread(connection.peer)
                connection.cut(Cut.UNREAD)
            upstream = connection.upstream
            if upstream is None:
                continue
            if upstream.deadline < now:
                upstream.cut(Cut.LATE)
            if connection.seen < 2:
                busy = True
                if connection.seen == 1:
                    connection.watch()
                connection.seen += 1
        self._let_go(now)
        due = self._upstreams.expire(now)
        return TICK if busy else min(due, self._rest(now))

    def _let_go(self, now: float) -> None:
        """End those whose client has gone, which their wire can't tell, or that take too long.

        It can't while the backend takes nothing, and after a FIN: the client may still read.
        """
        if self._let_go_at > now - STUCK:
            return
        self._let_go_at = now
        unseen = [each for each in (*self.connections, *self.streams) if _goes_unseen(each, now)]
        for each in unseen:
            if (
                not each.tunnel
                and each.upstream
                and each.upstream.takes_nothing(now, self._patience())
            ):
                each.upstream.cut(Cut.UNREAD)
        # (Who reads a connection of streams sees them leave.)
        clients = [(each, each.wire) for each in unseen if isinstance(each.wire, Wire)]
        if clients:
            # The other side of a tunnel may still be read from, but for a WebSocket's.
            ends = [(wire.sock, getattr(each.tunnel, "websocket", True)) for each, wire in clients]
            for (each, _), gone in zip(clients, departed(ends), strict=True):
                if gone:
                    each.left()

    def _is_unread(self, connection: Swept, now: float) -> bool:
        return not connection.tunnel and connection.wire.takes_nothing(now, self._patience())

    def _rest(self, now: float) -> float:
        rest = IDLE_TICK if self.connections else NOTHING
        for each in (*self.connections, *self.streams):
            rest = min(rest, each.wire.deadline - now)
            if each.wire.stuck < now:
                rest = min(rest, max(each.wire.stuck + self._patience() - now, TICK))
            if each.upstream is not None:
                rest = min(rest, each.upstream.deadline - now)
        return rest


def _goes_unseen(each: Swept, now: float) -> bool:
    """Whether the client may have gone without its wire telling."""
    if each.upstream is None:
        return False
    half_closed = isinstance(each.tunnel, Tunnel) and each.tunnel.half_closed
    return half_closed or each.upstream.stuck < now - STUCK


class Hangups:
    """Tells when a client has left: its FIN counts as much as its RST (as in Go and Caddy)."""

    def __init__(self) -> None:
        self._told: dict[int, Callable[[], None]] = {}  # by file descriptor
        self._any = trio.Event()  # there is something to look at, for `_peek`
        self._poll = select.epoll() if hasattr(select, "epoll") else None

    def add(self, number: int, tell: Callable[[], None]) -> None:
        """Call `tell`, once, when the other side of the socket with that descriptor leaves."""
        self._told[number] = tell
        self._any.set()
        if self._poll is not None:
            self._poll.register(number, select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)

    def discard(self, number: int) -> None:
        """Watch it no longer. To be called before the number can be another socket's."""
        if self._told.pop(number, None) is not None and self._poll is not None:
            try:
                self._poll.unregister(number)
            except OSError:
                pass  # closed in the meantime: the kernel has forgotten it by itself

    async def run(self) -> None:
        """Wait for hang-ups; costs nothing while there are none."""
        if self._poll is None:
            return await self._peek()
        while True:
            await trio.lowlevel.wait_readable(self._poll.fileno())
            for number, _ in self._poll.poll(0):
                tell = self._told.get(number)
                self.discard(number)
                if tell is not None:
                    tell()

    async def _peek(self) -> None:
        # Without epoll (macOS) nothing tells of a FIN alone: look. Data that a client has sent
        # ahead hides it until that is read.
        while True:
            if not self._told:
                self._any = trio.Event()
                await self._any.wait()
            await trio.sleep(TICK)
            for number, tell in list(self._told.items()):
                if _has_hung_up(number):
                    self.discard(number)
                    tell()

    def close(self) -> None:
        """Give the poll object back."""
        if self._poll is not None:
            self._poll.close()


def _has_hung_up(number: int) -> bool:
    sock = socket.socket(fileno=number)
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        sock.detach()
