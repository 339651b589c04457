"""One client connection: its requests, one after the other."""

from __future__ import annotations

from collections.abc import Awaitable

from rpx.door.door_frames import MOST_AHEAD
from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import forwarding
from rpx.http.framing import CHUNKED, CHUNKS, ChunkedReader, chunked
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.memory import RequestMemory
from rpx.proxy.answering import answer
from rpx.proxy.arrival import Arrival
from rpx.proxy.attempt import NEXT, After
from rpx.proxy.client import Client
from rpx.proxy.contexts import Contexts, hello_of
from rpx.proxy.inlet import Renaming
from rpx.proxy.multiplex import Multiplex
from rpx.proxy.refusals import malformed
from rpx.proxy.shared import SharedState
from rpx.proxy.sockets import Wire
from rpx.proxy.welcome import HANDSHAKE, welcome
from rpx.proxy.wire import NEVER, Buffers, Cut, WireCut

PRIOR_KNOWLEDGE = b"PRI * HTTP/2.0\r\n"  # RFC 9113 §3.4: to HTTP/1.1 it is a request line
LONG = 4096  # bytes of a head that takes a turn of its own
SMALL = 4096  # bytes of a body that are joined to a head: copying them costs less than two pieces
# A client that is still sending reads our last answer only afterwards, and a reset would lose it.
# So what it sends is read until it has been silent for so many seconds, or for so many in all.
LINGER = 5.0
LINGER_ALL = 30.0
LINGER_DRAINING = 2.0  # of both when rpx goes down


class Connection(Client):
    """One client connection: its requests, one after the other."""

    __slots__ = ("_arrival", "_contexts", "_idle", "_memory", "_stays", "_watched")

    wire: Wire

    def __init__(
        self,
        shared: SharedState,
        wire: Wire,
        arrival: Arrival,
        *,
        surplus: bool = False,
        contexts: Contexts | None = None,
    ) -> None:
        """`surplus`: there are too many already; its first request is answered with a 503.
        `contexts`: it has come to the TLS port.
        """
        trusted = shared.peers.trusts(arrival.address)
        peer = forwarding(arrival.address, "http", trusted=trusted)
        super().__init__(shared, wire, peer, surplus=surplus)
        self.by_tls_port = contexts is not None
        self._contexts = contexts
        self._arrival = arrival
        if arrival.inlet is not None:
            self.renaming = Renaming(arrival.inlet, peer)
        self.ahead = arrival.ahead
        self._stays = arrival.to is None  # whatever it asks for
        self._idle = True  # between two requests
        self._memory = RequestMemory()
        self._watched: int | None = None  # the descriptor that hangups know

    # Neither waits in a frame of its own, and each is one system call.

    def send_head(
        self, head: AnswerHead, pieces: Buffers, end: bytes | None = None
    ) -> Awaitable[None]:
        """As HTTP/1.1 has it."""
        record = self.record
        record.answer = head
        if record.copies:
            record.give(pieces)
        if head.length == CHUNKED:
            pieces = chunked(pieces, end)
        lines = head.lines()
        if len(pieces) == 1 and len(pieces[0]) <= SMALL:  # a frame less than with pieces
            return self.wire.send(lines + pieces[0])
        return self.wire.send_pieces([lines, *pieces])

    def send_body(
        self, head: AnswerHead, pieces: Buffers, end: bytes | None = None
    ) -> Awaitable[None]:
        """As HTTP/1.1 has it."""
        if self.record.copies:
            self.record.give(pieces)
        return self.wire.send_pieces(chunked(pieces, end) if head.length == CHUNKED else pieces)

    def body_reader(self) -> ChunkedReader:
        """Such a body is chunked."""
        return ChunkedReader(400, turn=CHUNKS)

    async def serve(self) -> None:
        """Serve the client until one of us closes."""
        after = After.GOODBYE
        try:
            try:
                if self._contexts is not None and await self._welcome(self._contexts) == "h2":
                    return await self._multiplexed()
                # (As in `_answer_late`, without a frame between each request and here.)
                while (request := await self._next_request()) is not None:
                    after = await answer(self, request)
                    if after is not NEXT:
                        break
            except BadMessage as bad:
                after = await self._not_understood(bad)
            await self._say_goodbye(after)
        except (OSError, WireCut):
            pass  # the client has gone, was too slow, or we are going down
        finally:
            self.shared.sweeper.connections.discard(self)
            self.unwatch()
            self.wire.close()

    async def _answer_late(self, contexts: Contexts, heard: bytes) -> After:
        """Answer one request after the other. TLS has begun: `heard` has come of it."""
        if await self._welcome(contexts, heard) == "h2":
            await self._multiplexed()
            return After.GOODBYE  # which has been said
        after = After.GOODBYE
        while (request := await self._next_request()) is not None:
            after = await answer(self, request)
            if after is not NEXT:
                break
        return after

    async def _not_understood(self, bad: BadMessage) -> After:
        """Refuse what isn't HTTP/1.1, unless it begins something else that can be spoken here."""
        contexts, heard = self.shared.contexts, self.ahead
        if heard.startswith(PRIOR_KNOWLEDGE) and not self.wire.traffic.sent:
            await self._multiplexed()
            return After.GOODBYE  # which has been said
        known = self.named is not None or self.renaming is not None  # the latter speaks none
        if contexts is None or known or not heard.startswith(HANDSHAKE):
            return await malformed(self, bad)
        self.ahead = b""  # https:// with the port for http://: why not
        try:
            return await self._answer_late(contexts, heard)
        except BadMessage as still:
            return await malformed(self, still)

    async def _welcome(self, contexts: Contexts, heard: bytes = b"") -> str | None:
        """Agree on TLS with a client, unless it speaks HTTP at once; return the protocol behind it.

        `heard` has come already. Raises: OSError, WireCut.
        """
        shared, plain = self.shared, self.wire
        plain.deadline = shared.sweeper.now + shared.settings.timeouts.head
        if self._arrival.passed and not heard:
            heard = await plain.receive()
        # The door has looked whether anybody has that host, unless we have accepted by ourselves.
        arrival = self._arrival
        shown = arrival.astray or (arrival.to is not None and not arrival.passed)
        wire = await welcome(plain, shared.reactor, contexts, heard, shown=shown)
        if isinstance(wire, bytes):
            self.ahead = wire
            return None
        shared.reactor.replace(plain, wire)
        wire.deadline = plain.deadline
        self.wire = wire
        self._stays = True  # nobody else has its keys
        self.named = hello_of(wire).name
        self.peer = forwarding(self._arrival.address, "https", trusted=self.peer.trusted)
        await wire.handshake()
        return wire.tls.selected_alpn_protocol()

    async def _multiplexed(self) -> None:
        """The client speaks HTTP/2: its streams take the place of this connection."""
        self.shared.sweeper.connections.discard(self)
        ahead, self.ahead = self.ahead, b""
        multiplex = Multiplex(
            self.shared,
            self.wire,
            self.peer,
            surplus=self.surplus,
            named=self.named,
            renaming=self.renaming,
            ahead=ahead,
        )
        await multiplex.serve()

    async def _next_request(self) -> RequestHead | None:
        """Return the next request; None when the client is done. Raises: BadMessage, OSError."""
        data, scanned = self.ahead, 0
        self._idle = True
        wire, sweeper = self.wire, self.shared.sweeper
        settings = self.shared.settings
        timeouts, limits = settings.timeouts, settings.heads
        if not data:
            wire.deadline = sweeper.now + timeouts.idle
            data = await wire.receive()
        else:
            await wire.step()
        wire.deadline = sweeper.now + timeouts.head
        while data:
            try:
                parsed = self._memory.parse(data, limits, scanned)
            except BadMessage:
                self.ahead = data
                raise
            if parsed is not None:
                request, used = parsed
                if not self._stays and self._given_back(request, data):
                    return None
                self.ahead = data[used:]
                if used > LONG:
                    wire.give_way_soon()
                wire.deadline = NEVER
                self._idle = False
                return request
            scanned = len(data)
            more = await wire.receive()
            if not more:
                break
            data += more
        return None

    def _given_back(self, request: RequestHead, data: bytes) -> bool:
        """Give the client to whoever has the host of a request that begins `data`; false: we do."""
        to, host, routes = self._arrival.to, request.host, self.shared.registry.routes
        if host in routes.plain or not host or to is None or routes.knows(host):
            return False
        if not to.open or len(data) > MOST_AHEAD:
            return False
        to.give_back(self._arrival, self.wire.give_away(), data)
        return True

    def leave_if_idle(self) -> None:
        """rpx goes down: nobody waits for a client that wants nothing, or wants it for ever."""
        if self._idle:
            self.cut(Cut.DRAINED)
        else:
            self.leave()

    def cut(self, why: Cut) -> None:
        """End the connection from outside its task."""
        self.unwatch()  # before its descriptor can be another client's
        if self._idle:
            self.wire.take_leave()
        self.wire.cut(why)

    async def _say_goodbye(self, after: After) -> None:
        """End the connection as its last answer wants it. Raises: OSError, WireCut."""
        if after is After.RESET:
            self.wire.reset()
        elif (
            after is After.LINGER
        ):  # what comes is read: unread data would turn our FIN into a reset
            await self.wire.finish_sending()
            began = self.shared.sweeper.now
            self.wire.deadline = self._lingers_until(began)
            while await self.wire.receive():
                self.wire.deadline = self._lingers_until(began)
        else:
            self.wire.take_leave()

    def _lingers_until(self, began: float) -> float:
        if self.shared.draining:
            return began + LINGER_DRAINING
        return min(self.shared.sweeper.now + LINGER, began + LINGER_ALL)

    def end(self) -> None:
        """The request is no longer under way at a backend."""
        super().end()
        if self._watched is not None:
            self.unwatch()

    def watch(self) -> None:
        """From now on notice when the client leaves."""
        if self._watched is None and not self.gone:
            self._watched = self.wire.sock.fileno()
            self.shared.hangups.add(self._watched, self.left)

    def unwatch(self) -> None:
        """From now on it doesn't matter when the client leaves."""
        if self._watched is not None:
            self.shared.hangups.discard(self._watched)
            self._watched = None

    def left(self) -> None:
        """The client has hung up."""
        self.unwatch()
        super().left()
