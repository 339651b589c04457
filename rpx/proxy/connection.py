"""One client connection: its requests, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import trio

from rpx.http.head import RequestHead, parse_request
from rpx.http.limits import BadMessage
from rpx.http.rewrite import forwarding
from rpx.proxy.exchange import Exchange
from rpx.proxy.refusals import answered_here, malformed, too_many
from rpx.proxy.sockets import NEVER, Cut, Wire, WireCut
from rpx.proxy.tunnel import Tunnel
from rpx.proxy.welcome import welcome

if TYPE_CHECKING:
    from rpx.proxy.contexts import Contexts
    from rpx.proxy.listener import Server

LINGER = 2.0  # seconds to read what is still coming, so that our last answer isn't lost by a reset


class Connection:
    """What is known of one client: its wire, what it has sent ahead, the request under way."""

    __slots__ = (
        "_address",
        "_hold",
        "_idle",
        "_surplus",
        "_watched",
        "ahead",
        "asked",
        "broken_off",
        "client",
        "contexts",
        "counts",
        "gone",
        "lasting",
        "linger",
        "peer",
        "proxy",
        "seen",
        "tunnel",
        "upstream",
    )

    def __init__(
        self,
        proxy: Server,
        client: Wire,
        address: str,
        *,
        surplus: bool = False,
        contexts: Contexts | None = None,
    ) -> None:
        """`surplus`: there are too many already; its first request is answered with a 503.
        `contexts`: it has come to the TLS port.
        """
        self.proxy = proxy
        self.client = client
        self.peer = forwarding(address, "http")
        self.ahead = b""  # read, but not yet used: pipelined requests, the beginning of a head
        self.counts = proxy.registry.strays  # where a request that is refused is counted
        self.upstream: Wire | None = None
        self.tunnel: Tunnel | None = None  # that the request under way has become
        self.seen = 0
        self.gone = False
        self.lasting = False  # the request under way ends only when a side leaves
        self.linger = False  # the client may still send: let it finish, or it misses our answer
        self.broken_off = False  # of the last answer something is missing: no FIN may end it
        self.asked: str | None = None  # the host that a hello has named, "" if none: it has TLS
        self._surplus = surplus
        self.contexts = contexts
        self._address = address
        self._idle = True  # between two requests
        self._watched: int | None = None  # the descriptor that hangups know
        self._hold: trio.CancelScope | None = None

    async def serve(self) -> None:
        """Serve the client until one of us closes."""
        try:
            try:
                if self.contexts is not None:
                    await welcome(self, self.contexts)
                while (request := await self._next_request()) is not None:
                    if not await self._answer(request):
                        break
            except BadMessage as bad:
                await malformed(self, bad)
            await self._say_goodbye()
        except (OSError, WireCut):
            pass  # the client has gone, was too slow, or we are going down
        finally:
            self.proxy.sweeper.connections.discard(self)
            self.unwatch()
            if self.broken_off:
                self.client.reset()
            self.client.close()

    def secured(self, wire: Wire, *, asked: str) -> None:
        """From now on it has TLS, on a wire that takes the other's place."""
        self.proxy.reactor.replace(self.client, wire)
        wire.deadline = self.client.deadline
        self.client = wire
        self.asked = asked
        self.peer = forwarding(self._address, "https")

    def is_misdirected(self, host: str) -> bool:
        """Whether it was opened for another host, with a certificate that isn't for this one."""
        return bool(
            self.asked
            and self.asked != host
            and not (self.contexts and self.contexts.covers(self.asked, host))
        )

    async def _next_request(self) -> RequestHead | None:
        """Return the next request; None when the client is done. Raises BadMessage, OSError."""
        data, scanned = self.ahead, 0
        self._idle = True
        client, sweeper = self.client, self.proxy.sweeper
        timeouts, limits = self.proxy.timeouts, self.proxy.head_limits
        if not data:
            client.deadline = sweeper.now + timeouts.idle
            data = await client.receive()
        else:
            await client.step()
        client.deadline = sweeper.now + timeouts.head
        while data:
            parsed = parse_request(data, limits, scanned)
            if parsed is not None:
                request, used = parsed
                self.ahead = data[used:]
                client.deadline = NEVER
                self._idle = False
                return request
            scanned = len(data)
            more = await client.receive()
            if not more:
                break
            data += more
        return None

    async def _answer(self, request: RequestHead) -> bool:
        """Get a request answered; tell whether the connection can take another."""
        if self._surplus:
            return await too_many(self, request)
        routes = self.proxy.registry.routes
        pool = routes.plain.get(request.host) or routes.find(request.host, request.path)
        astray = self.asked != request.host if self.asked is not None else (pool and pool.https)
        if pool is None or astray or request.max_forwards == 0 or request.via:
            here = await answered_here(self, request, pool)
            if here is not None:
                return here
        if pool is None:
            return False  # for the type checker: answered_here has answered that
        try:
            exchange = Exchange(self, request, pool)
            await exchange.run()
        except BadMessage:
            self.counts = pool.counts
            raise
        return exchange.keep and not (self.gone or self.proxy.draining)

    def leave_if_idle(self) -> None:
        """rpx goes down: nobody waits for a client that wants nothing, or wants it for ever."""
        if self._idle:
            self.cut(Cut.DRAINED)
        elif self.tunnel is not None:
            self.tunnel.leave()
        elif self.lasting and self.upstream is not None:
            self.upstream.cut(Cut.DRAINED)
        else:
            self.linger = True  # the request under way is the last, though it may not be told so

    def cut(self, why: Cut) -> None:
        """End the connection from outside its task."""
        self.unwatch()  # before its descriptor can be another client's
        if self._idle:
            self.client.take_leave()
        self.client.cut(why)

    async def _say_goodbye(self) -> None:
        """Read what the client is still sending: unread data would turn our FIN into a reset."""
        if self.broken_off:
            return
        if not self.linger:
            self.client.take_leave()
        else:
            await self.client.finish_sending()
            self.client.deadline = self.proxy.sweeper.now + LINGER
            while await self.client.receive():
                pass

    def begin(self, upstream: Wire) -> None:
        """A request is under way at `upstream`: the sweeper watches the client if it takes long."""
        self.upstream = upstream
        self.seen = 0
        self.proxy.sweeper.wake()

    def end(self) -> None:
        """It is over."""
        self.upstream = self.tunnel = None
        self.lasting = False
        if self._watched is not None:
            self.unwatch()

    def watch(self) -> None:
        """From now on notice when the client leaves."""
        if self._watched is None and not self.gone:
            self._watched = self.client.sock.fileno()
            self.proxy.hangups.add(self._watched, self._hung_up)

    def tunnels(self, tunnel: Tunnel) -> None:
        """The request has become a tunnel, which sees who leaves; a FIN means less to it."""
        self.tunnel = tunnel
        self.unwatch()
        self.seen = 2

    def unwatch(self) -> None:
        """Nothing hangs on it any more."""
        if self._watched is not None:
            self.proxy.hangups.discard(self._watched)
            self._watched = None

    def _hung_up(self) -> None:
        self.gone = True
        self._watched = None
        if self.upstream is not None:
            self.upstream.cut(Cut.GONE)
        if self._hold is not None:
            self._hold.cancel(reason="the client has gone")

    @contextmanager
    def held(self, wait: trio.CancelScope) -> Iterator[None]:
        """While a request waits for a backend: end the wait when the client leaves."""
        self._hold = wait
        self.watch()
        try:
            yield
        finally:
            self._hold = None
            self.unwatch()
