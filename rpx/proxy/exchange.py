"""One request, from the host it names to the last byte of its answer.

`run` is the straight line: choose a backend, try it, and when it did not answer let the retry
policy say whether another may. Expected ends are values, not exceptions: an upload may run beside
the answer, and what is raised in a nursery comes out as a group.
"""

from __future__ import annotations

from time import perf_counter

import trio

from rpx.http.forwarded import client_of, scheme_of
from rpx.http.framing import UNTIL_CLOSE
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.rewrite import request_to_send, response_to_send
from rpx.hub.endpoint import Endpoint, Pool, Tried
from rpx.policy.affinity import Pins
from rpx.policy.retry import IDEMPOTENT, Failure, may_retry
from rpx.proxy.answer import answer_head, broken
from rpx.proxy.bodies import Ending, Upload, download, upload_of
from rpx.proxy.client import Client
from rpx.proxy.hold import another_backend
from rpx.proxy.refusals import bad_gateway, unavailable
from rpx.proxy.sockets import Wire
from rpx.proxy.stickiness import bind, bound_to
from rpx.proxy.tunnel import Tunnel
from rpx.proxy.upstream import why_not
from rpx.proxy.wire import NotSent, WireCut


class Exchange:
    """A request under way. Afterwards `keep` says whether its connection can take another."""

    __slots__ = (
        "_answer",
        "_answered",
        "_began",
        "_bound",
        "_broken",
        "_clean",
        "_connection",
        "_failure",
        "_held",
        "_lasting",
        "_pool",
        "_request",
        "_sent",
        "_shared",
        "_shares",
        "_status",
        "_tried",
        "_upload",
        "_ups",
        "_whole",
        "_why",
        "keep",
    )

    def __init__(self, connection: Client, request: RequestHead, pool: Pool) -> None:
        self._began = perf_counter()
        self._connection = connection
        self._shared = connection.shared
        self._request = request
        self._pool = pool
        self._bound: Endpoint | None = None  # whose client it is, where sessions are sticky
        self._tried: Tried = _NOBODY
        self._broken: list[Endpoint] = []  # who broke off without an answer
        self._failure: Failure | None = None  # how the last attempt ended
        self._why = ""  # no connection came about
        self._ups = 0  # of the backend as it was asked
        self._sent = False  # that backend may have seen some of it
        self._answer: ResponseHead | None = None  # the backend's
        self._answered = False  # the client has got its answer, or at least the beginning of it
        self._status = 0  # of what it has got
        self._whole = False  # it has got all of it
        self._lasting = False
        self._held = 0.0  # until when it waits for a backend to be up, once it had to
        self._clean = False  # the backend's connection can be used again
        self._upload = upload_of(request, connection) if request.length else None
        # Who can't be asked twice has a new connection, for an old one may be closed as it comes.
        # Who brings a body has it alone: what a backend leaves of it would be the next request.
        self._shares = self._upload is None and request.method in IDEMPOTENT
        self.keep = request.keep_alive

    async def run(self) -> None:
        """Get the request answered. Raises: BadMessage when its body turns out malformed."""
        pool, client = self._pool, client_of(self._request, self._connection.peer)
        if pool.pins is not None:
            self._bound, self._request = bound_to(self._request, pool.pins)
        backend = pool.next_up(client, self._bound)
        while True:
            if backend is None:
                backend, self._held = await another_backend(
                    self._connection, pool, client, self._bound, self._tried, until=self._held
                )
            if backend is None:
                return await self._give_up()
            self._failure = await self._attempt(backend)
            if self._failure is None:
                return self._finish(backend)
            if not self._may_retry(backend, self._failure):
                return await self._give_up()
            if self._failure is not Failure.BROKEN_REUSED:  # else the same again, afresh
                backend = pool.next_untried(client, self._bound, self._tried)

    async def _attempt(self, backend: Endpoint) -> Failure | None:
        """Try one backend. None: the client has its answer, or has gone."""
        proxy, now, settings = self._shared, self._shared.sweeper.now, self._shared.settings
        self._sent = self._clean = False
        self._ups = backend.ups
        if backend.in_flight >= settings.limits.requests_per_backend:
            return Failure.FULL
        if self._failure is not None:
            backend.counts.retries += 1
        proxy.registry.enter(backend)
        try:
            wire = proxy.upstreams.take_idle(backend, now) if self._shares else None
            if wire is None:
                try:
                    wire = await proxy.upstreams.open(
                        backend, now, within=settings.timeouts.connect
                    )
                except OSError as error:
                    failure, self._why = why_not(error)
                    return failure
            self._connection.begin(wire)
            try:
                return await self._converse(backend, wire)
            finally:
                self._connection.end()
                if self._clean and self._answer is not None:
                    rest = settings.timeouts.upstream_idle
                    proxy.upstreams.give_back(backend, wire, self._answer, proxy.sweeper.now, rest)
                else:
                    proxy.upstreams.drop(wire)
        finally:
            proxy.registry.leave(backend, lasting=self._lasting)

    async def _converse(self, backend: Endpoint, wire: Wire) -> Failure | None:
        """Send the request; where its body is still coming, let it flow beside the answer."""
        head = request_to_send(
            self._request, self._connection.peer, origin=backend.spec.change_origin
        )
        upload = self._upload
        try:
            if upload is None:
                await wire.send(head)
            else:
                await wire.send_pieces([head, *upload.pieces()])
            self._sent = True
        except (OSError, WireCut) as error:
            self._sent = not isinstance(error, NotSent)
            if wire.reused or isinstance(error, WireCut):
                return broken(wire)
            return await self._receive(backend, wire)  # it may have answered before it closed
        if upload is None:
            return await self._receive(backend, wire)
        upload.sent = upload.done
        if upload.done:
            return await self._receive(backend, wire)
        return await self._beside(backend, wire, upload)

    async def _beside(self, backend: Endpoint, wire: Wire, upload: Upload) -> Failure | None:
        failure: Failure | None = None
        async with self._shared.reactor.task(), trio.open_nursery() as both:
            both.start_soon(upload.pump, self._connection.wire, wire, self._shared.sweeper)
            failure = await self._receive(backend, wire)
            both.cancel_scope.cancel(reason="the answer is complete")
        if upload.bad is not None and not self._answered:
            raise upload.bad
        if upload.bad is not None or upload.gone:
            self.keep = False
            return None
        return failure

    async def _receive(self, backend: Endpoint, wire: Wire) -> Failure | None:
        """Read the answer's head; from its first byte on this backend is the one that answers."""
        try:
            found = await answer_head(wire, self._request, self._upload, self._connection)
            if found is not None and self._request.upgrade is not None:
                self._check_switch(found[0])
        except BadMessage as bad:
            return await self._refuse(backend, bad, wire)
        except (OSError, WireCut):  # the client has gone: whatever the backend says is for nobody
            self.keep = False
            return None
        if found is None:
            return broken(wire)
        response, data = found
        self._answer, self._answered, self._status = response, True, response.status
        if self._shared.settings.verbose:
            self._shared.registry.routed(backend, self._request.path)
        if self._upload is not None:
            self._upload.answered(self._connection.wire)
            self._connection.ahead = self._upload.rest
        if response.status == 101:
            await self._switch(backend, wire, response, data)
        else:
            await self._relay(backend, wire, response, data)
        return None

    async def _relay(
        self, backend: Endpoint, wire: Wire, response: ResponseHead, data: bytes
    ) -> None:
        """Send the answer to the client as it comes."""
        client, upload = self._connection.wire, self._upload
        if response.event_stream:
            self._outlast(backend)
        if self._pool.pins is not None:
            response = self._bind(response, backend, self._pool.pins)
        unread = upload is not None and not upload.done
        close = not self.keep or unread or self._shared.draining
        head, framing = response_to_send(
            response, self._request, close=close, date=self._shared.sweeper.date
        )
        self.keep = not close and framing != UNTIL_CLOSE
        try:
            ending, odd = await download(
                wire, client, response, framing, head=head, data=data, pipes=self._shared.pipes
            )
        except BadMessage as bad:
            await self._refuse(backend, bad, wire)
            return
        if ending is Ending.WHOLE:
            self._whole = True
            self._clean = response.keep_alive and not odd and self._shares
            if odd or response.odd:
                self._shared.remark(backend, odd or response.odd)
            if not self.keep:
                self._connection.linger = True
            return
        self.keep = False
        # A FIN would look like the end of a close-delimited body; an event stream has no end.
        self._connection.broken_off = ending is Ending.TRUNCATED or not self._lasting
        if ending is Ending.TRUNCATED:
            backend.counts.errors += 1
            self._shared.registry.broke(backend, "broke off within an answer")

    async def _switch(
        self, backend: Endpoint, wire: Wire, response: ResponseHead, data: bytes
    ) -> None:
        """The backend speaks another protocol now: carry its bytes until a side is gone."""
        connection = self._connection
        websocket = (response.upgrade or b"").lower() == b"websocket"
        tunnel = Tunnel(connection.wire, wire, self._shared.reactor, websocket=websocket)
        connection.tunnels(tunnel)
        self._outlast(backend)
        self.keep, self._whole = False, True
        if self._pool.pins is not None:
            response = self._bind(response, backend, self._pool.pins)
        head, _ = response_to_send(
            response, self._request, close=False, date=self._shared.sweeper.date
        )
        early, connection.ahead = connection.ahead, b""
        await tunnel.run(head, early, data)

    def _bind(self, head: ResponseHead, backend: Endpoint, pins: Pins[Endpoint]) -> ResponseHead:
        secure = scheme_of(self._request, self._connection.peer) == b"https"
        say = self._shared.registry.say
        return bind(head, pins, backend, self._bound, say, secure=secure)

    def _check_switch(self, response: ResponseHead) -> None:
        """RFC 9110 §7.8: nothing else can be spoken before the request has ended."""
        if response.status == 101 and self._upload is not None and not self._upload.sent:
            raise BadMessage(502, "The backend switched protocols within the request.")
        self._connection.check_switch(response)

    async def _refuse(self, backend: Endpoint, bad: BadMessage, wire: Wire) -> Failure | None:
        """The backend has answered, but not so that it could be sent on."""
        if wire.reused and bad.status == 502 and not self._answered:
            return broken(wire)  # it may belong to the request before
        backend.counts.errors += 1
        self._answered, self._status = True, bad.status
        try:
            self.keep = await bad_gateway(self._connection, self._request, self._pool, backend, bad)
        except (OSError, WireCut):
            self.keep = False
        return None

    def _outlast(self, backend: Endpoint) -> None:
        self._lasting = self._connection.lasting = True
        backend.counts.answered(self._status, perf_counter() - self._began)  # its end says nothing
        self._connection.linger = False
        self._shared.registry.outlast(backend)
        if self._shared.draining:
            self._connection.leave()

    def _may_retry(self, backend: Endpoint, failure: Failure) -> bool:
        """Report the failure, and tell whether the request may be sent again."""
        if self._connection.gone:
            return False
        whole = self._upload is None or self._upload.replayable
        again = may_retry(failure, self._request.method, sent=self._sent, replayable=whole)
        if failure is not Failure.BROKEN_REUSED:  # else normal: an idle connection was just closed
            if self._tried is _NOBODY:
                self._tried = set()
            self._tried.add((id(backend), self._ups))
            self._blame(backend, failure)
        return again

    def _blame(self, backend: Endpoint, failure: Failure) -> None:
        if failure in (Failure.FULL, Failure.STARVED):  # our limits, not its fault
            return
        backend.counts.errors += 1
        if failure is Failure.BROKEN_FRESH:
            self._shared.registry.broke(backend, failure.value)
            if backend in self._broken:  # it may be the request that kills it: no third life
                self._tried.add(id(backend))
            self._broken.append(backend)
        else:
            self._shared.registry.suspect(backend, self._why)

    def _finish(self, backend: Endpoint) -> None:
        """Count what the backend has done."""
        counts = backend.counts
        counts.held += self._held > 0
        if not self._answered:
            counts.abandoned += 1
        elif not self._lasting:
            counts.answered(self._status, perf_counter() - self._began)
        if self._whole and self._answer is not None:
            if backend.failures:
                backend.recover()
            counts.errors += self._status >= 500

    async def _give_up(self) -> None:
        """Nobody is left who could answer: say so, and say why."""
        counts = self._pool.counts
        counts.held += self._held > 0
        if self._connection.gone:
            self.keep = False
            counts.abandoned += 1
        else:
            self.keep = await unavailable(
                self._connection,
                self._request,
                self._pool,
                self._failure,
                self._why,
                sent=self._sent,
                began=self._began,
            )


_NOBODY: Tried = set()
