"""One request, from the pool that it is for to the last byte of its answer.

`run` is the straight line: choose a backend, make an attempt, and when that did not answer let the
retry policy say whether another may. How an attempt ends is a value, not an exception: an upload
may run beside the answer, and what is raised in a nursery comes out as a group.
"""

from __future__ import annotations

from functools import partial
from time import perf_counter

import trio

from rpx.http.forwarded import client_of
from rpx.http.framing import UNTIL_CLOSE
from rpx.http.head import RequestHead
from rpx.http.limits import BadMessage
from rpx.http.response import ResponseHead
from rpx.http.rewrite import request_to_send, response_to_send
from rpx.hub.endpoint import Endpoint, Pool, Tried
from rpx.policy.retry import AFRESH, IDEMPOTENT, Failure, may_retry
from rpx.proxy.answer import answer_head
from rpx.proxy.attempt import GOODBYE, LINGER, NEXT, RESET, After, Attempt, Done, Failed
from rpx.proxy.breaking_off import broken_off
from rpx.proxy.client import Client
from rpx.proxy.download import TRUNCATED, WHOLE, download
from rpx.proxy.handing_on import handed_on
from rpx.proxy.hold import another_backend
from rpx.proxy.refusals import bad_gateway, unavailable
from rpx.proxy.sticky_cookie import preferred_by
from rpx.proxy.tunnel import Tunnel
from rpx.proxy.upload import Upload, upload_of
from rpx.proxy.upstream import why_not
from rpx.proxy.wire import BackendWire, NotSent, WireCut


class Exchange:
    """A request under way."""

    __slots__ = (
        "_broken",
        "_client",
        "_failed",
        "_held",
        "_pool",
        "_preferred",
        "_record",
        "_request",
        "_shared",
        "_shares",
        "_tried",
        "_upload",
    )

    def __init__(self, client: Client, request: RequestHead, pool: Pool) -> None:
        self._client = client
        self._record = client.record
        self._shared = client.shared
        self._request = request
        self._pool = pool
        self._preferred: Endpoint | None = None  # by the cookie, where sessions are sticky
        self._tried: Tried = _NOBODY
        self._broken: tuple[Endpoint, ...] = ()  # who broke off without an answer
        self._failed: Failed | None = None  # how the last attempt did, if one was made
        self._held = 0.0  # until when it waits for a backend to be up, once it had to
        self._upload = upload_of(request, client) if request.length else None
        # Who can't be asked twice has a new connection, for an old one may be closed as it comes.
        # Who brings a body has it alone: what a backend leaves of it would be the next request.
        self._shares = self._upload is None and request.method in IDEMPOTENT

    async def run(self) -> After:
        """Get the request answered. Raises: BadMessage when its body turns out malformed."""
        pool, address = self._pool, client_of(self._request, self._client.peer)
        if pool.affinity is not None:
            self._preferred, self._request = preferred_by(self._request, pool.affinity)
        backend = pool.next_up(address, self._preferred)
        while True:
            if backend is None:
                backend, self._held = await another_backend(
                    self._client, pool, address, self._preferred, self._tried, until=self._held
                )
            if backend is None:
                return await self._give_up()
            attempt = Attempt(backend, backend.rotation_epoch)
            outcome = await self._attempt(attempt)
            if isinstance(outcome, Done):
                return self._finish(backend, outcome)
            self._failed = outcome
            if not self._may_retry(attempt, outcome):
                return await self._give_up()
            if outcome.failure not in AFRESH:  # else the same again
                backend = pool.next_untried(address, self._preferred, self._tried)

    async def _attempt(self, attempt: Attempt) -> Failed | Done:
        """Get a connection to the backend, converse on it, and give it back if it is still good."""
        shared, client, backend = self._shared, self._client, attempt.backend
        settings, process = shared.settings, backend.process
        self._record.backend = backend.spec
        self._record.life = process.life if process is not None else None
        if backend.in_flight >= settings.limits.requests_per_backend:
            return Failed(Failure.FULL)
        if self._failed is not None:
            backend.counts.retries += 1
        client.lasting = False
        shared.registry.enter(backend)
        try:
            now = shared.sweeper.now
            single = self._request.upgrade is not None  # there is none over HTTP/2
            wire = shared.upstreams.at_hand(backend, now, alone=not self._shares, single=single)
            if wire is None:
                began = perf_counter()
                try:
                    wire = await shared.upstreams.open(
                        backend, now, within=settings.timeouts.connect, single=single
                    )
                except OSError as error:
                    return Failed(*why_not(error))
                finally:
                    self._record.rarely().connecting += perf_counter() - began
            client.begin(wire)
            answer: ResponseHead | None = None
            try:
                outcome = await self._converse(attempt, wire)
                if isinstance(outcome, Done):
                    answer = outcome.reusable
                return outcome
            finally:
                client.end()
                if answer is not None:
                    rest = settings.timeouts.upstream_idle
                    shared.upstreams.give_back(backend, wire, answer, shared.sweeper.now, rest)
                else:
                    wire.drop()
        finally:
            shared.registry.leave(backend, lasting=client.lasting)

    async def _converse(self, attempt: Attempt, wire: BackendWire) -> Failed | Done:
        """Send the request; where its body is still coming, let it flow beside the answer."""
        origin = attempt.backend.spec.change_origin
        request = self._request
        tags = self._shared.registry.requests.tags.lines(self._record.number, request.tags)
        head = request_to_send(request, self._client.peer, origin=origin, add=tags)
        if self._client.passage is not None:
            head = self._client.passage.to_backend(head)
        upload = self._upload
        try:
            await wire.ask(head, upload)
            attempt.sent = True
        except (OSError, WireCut) as error:
            attempt.sent = not isinstance(error, NotSent)
            if wire.reused or isinstance(error, WireCut):
                return Failed(wire.broken(), sent=attempt.sent)
            return await self._receive(attempt, wire)  # it may have answered before it closed
        if upload is None:
            return await self._receive(attempt, wire)
        upload.sent = upload.done
        if upload.done:
            return await self._receive(attempt, wire)
        return await self._beside(attempt, wire, upload)

    async def _beside(self, attempt: Attempt, wire: BackendWire, upload: Upload) -> Failed | Done:
        """Receive the answer while the rest of the body flows. Raises: BadMessage."""
        outcome: Failed | Done = Done(0, GOODBYE)
        async with self._shared.reactor.task(), trio.open_nursery() as both:
            both.start_soon(upload.pump, self._client.wire, wire, self._shared.sweeper)
            outcome = await self._receive(attempt, wire)
            both.cancel_scope.cancel(reason="the answer is complete")
        if upload.bad is None and not upload.gone:
            return outcome
        # Where the next request would begin is not known.
        done = outcome if isinstance(outcome, Done) else Done(0, GOODBYE)
        if upload.bad is not None and not done.status:
            raise upload.bad
        return done if done.after is not NEXT else Done(done.status, GOODBYE, done.whole)

    async def _receive(self, attempt: Attempt, wire: BackendWire) -> Failed | Done:
        """Read the answer's head; from its first byte on this backend is the one that answers."""
        client, upload, backend = self._client, self._upload, attempt.backend
        try:
            found = await answer_head(wire, self._request, upload, client)
            if found is not None and self._request.upgrade is not None:
                self._check_switch(found[0])
        except BadMessage as bad:
            return await self._misunderstand(attempt, wire, bad)
        except (OSError, WireCut):  # the client has gone: whatever the backend says is for nobody
            return Done(0, GOODBYE)
        if found is None:
            return Failed(wire.broken(), sent=attempt.sent)
        response, data = found
        self._record.first = perf_counter()
        if self._shared.settings.verbose:
            passage = client.passage
            asked = self._request if passage is None else passage.request
            self._shared.registry.routed(backend, asked.path)
        if upload is not None:
            upload.answered(client.wire)
            client.ahead = upload.rest
        if response.status == 101:
            return await self._switch(backend, wire, response, data)
        return await self._relay(backend, wire, response, data)

    async def _relay(
        self, backend: Endpoint, wire: BackendWire, response: ResponseHead, data: bytes
    ) -> Done:
        """Send the answer to the client as it comes."""
        client, shared, upload, request = self._client, self._shared, self._upload, self._request
        if response.event_stream:
            self._outlast(backend, response.status)
        if (
            self._pool.affinity is not None
            or client.passage is not None
            or (backend.spec.change_origin or client.renaming is not None)
        ):
            response = self._for_client(response, backend)
        unread = upload is not None and not upload.done
        close = not request.keep_alive or unread or shared.draining
        head = response_to_send(response, request, close=close, date=shared.sweeper.date)
        try:
            ending, odd = await download(
                wire, client, response, head, data=data, pipes=shared.pipes
            )
        except BadMessage as bad:
            return await self._refuse(backend, bad)
        if ending is WHOLE:
            if odd or response.odd:
                shared.remark(backend, odd or response.odd)
            after = LINGER if close or head.length == UNTIL_CLOSE else NEXT
            clean = response.keep_alive and not odd and self._shares
            return Done(response.status, after, whole=True, reusable=response if clean else None)
        if ending is TRUNCATED:
            after = await broken_off(client, backend, wire, response, head)
            return Done(response.status, after)
        # A FIN would look like the end of a close-delimited body; an event stream has no end.
        return Done(response.status, GOODBYE if client.lasting else RESET)

    async def _switch(
        self, backend: Endpoint, wire: BackendWire, response: ResponseHead, data: bytes
    ) -> Done:
        """The backend speaks another protocol now: carry its bytes until a side is gone."""
        client, shared = self._client, self._shared
        websocket = (response.upgrade or b"").lower() == b"websocket"
        tunnel = Tunnel(client.wire, wire, shared.reactor, websocket=websocket)
        client.tunnels(tunnel)
        self._record.rarely().carried = tunnel.carried
        self._outlast(backend, response.status)
        response = self._for_client(response, backend)
        head = response_to_send(response, self._request, close=False, date=shared.sweeper.date)
        early, client.ahead = client.ahead, b""
        await tunnel.run(partial(client.send_head, head), early, data)
        return Done(response.status, GOODBYE, whole=True)

    def _for_client(self, response: ResponseHead, backend: Endpoint) -> ResponseHead:
        """The answer as the client is to have it."""
        request, pool, preferred = self._request, self._pool, self._preferred
        return handed_on(response, self._client, request, backend, pool=pool, preferred=preferred)

    def _check_switch(self, response: ResponseHead) -> None:
        """RFC 9110 §7.8: nothing else can be spoken before the request has ended."""
        if response.status == 101 and self._upload is not None and not self._upload.sent:
            raise BadMessage(502, "The backend switched protocols within the request.")
        self._client.check_switch(response)

    async def _misunderstand(
        self, attempt: Attempt, wire: BackendWire, bad: BadMessage
    ) -> Failed | Done:
        """The head is none, or not one of an answer to this request."""
        if wire.reused and bad.status == 502:  # it may belong to the request before
            return Failed(wire.broken(), sent=attempt.sent)
        return await self._refuse(attempt.backend, bad)

    async def _refuse(self, backend: Endpoint, bad: BadMessage) -> Done:
        """The backend has answered, but not so that it could be sent on."""
        backend.counts.errors += 1
        self._record.rarely().note = bad.reason
        try:
            after = await bad_gateway(self._client, self._request, self._pool, backend, bad)
        except (OSError, WireCut):
            after = GOODBYE
        return Done(bad.status, after)

    def _outlast(self, backend: Endpoint, status: int) -> None:
        """The answer ends only when a side leaves."""
        self._client.lasting = True
        backend.counts.answered(status, perf_counter() - self._record.began)  # its end says nothing
        self._shared.registry.outlast(backend)
        self._shared.registry.requests.outlasts(self._record)
        if self._shared.draining:
            self._client.leave()

    def _may_retry(self, attempt: Attempt, failed: Failed) -> bool:
        """Report the failure, and tell whether the request may be sent again."""
        if self._client.gone:
            return False
        failure, backend = failed.failure, attempt.backend
        self._record.failed(failed.why or failure.value)
        whole = self._upload is None or self._upload.replayable
        again = may_retry(failure, self._request.method, sent=failed.sent, replayable=whole)
        if failure not in AFRESH:  # else normal: an idle connection was just closed
            if self._tried is _NOBODY:
                self._tried = set()
            self._tried.add((id(backend), attempt.rotation_epoch))
            self._blame(backend, failed)
        return again

    def _blame(self, backend: Endpoint, failed: Failed) -> None:
        if failed.failure in (Failure.FULL, Failure.STARVED):  # our limits, not its fault
            return
        backend.counts.errors += 1
        if failed.failure in (Failure.REFUSING, Failure.RESET):  # of one request, not of all
            return
        if failed.failure is Failure.BROKEN_FRESH:
            self._shared.registry.exchange_failed(backend, failed.failure.value)
            if backend in self._broken:  # it may be the request that kills its process: a second
                self._tried.add(id(backend))  # one dies of it, but no third
            self._broken += (backend,)
        else:
            self._shared.registry.connect_failed(backend, failed.why)

    def _finish(self, backend: Endpoint, done: Done) -> After:
        """Count what the backend has done."""
        counts = backend.counts
        counts.held += self._held > 0
        if not done.status:
            counts.abandoned += 1
        elif not self._client.lasting:
            record = self._record
            record.ended = perf_counter()
            counts.answered(done.status, record.ended - record.began)
        if done.whole:
            if backend.failures:
                backend.recover()
            counts.errors += done.status >= 500
        return done.after

    async def _give_up(self) -> After:
        """Nobody is left who could answer: say so, and say why."""
        counts = self._pool.counts
        counts.held += self._held > 0
        if self._client.gone:
            counts.abandoned += 1
            return GOODBYE
        return await unavailable(
            self._client, self._request, self._pool, self._failed, began=self._record.began
        )


_NOBODY: Tried = set()
