"""Whom an exchange answers: a connection, or one of the streams that share one."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import ClassVar, Final

import trio

from rpx.http.answer_head import AnswerHead
from rpx.http.forwarded import Forwarding, forwarding, scheme_of
from rpx.http.framing import BodyReader
from rpx.http.head import RequestHead
from rpx.http.response import ResponseHead
from rpx.hub.request_ring import Record
from rpx.proxy.inlet import Renaming
from rpx.proxy.passage import Passage
from rpx.proxy.shared import SharedState
from rpx.proxy.tunnel import Tunnel
from rpx.proxy.wire import BackendWire, Buffers, ClientWire, Cut

NO_REQUEST: Final = Record(0, None, forwarding("", "http"), "")  # nobody writes there


class Client:
    """What is known of one client: its wire, what it has sent ahead, the request under way."""

    __slots__ = (
        "_hold",
        "ahead",
        "by_tls_port",
        "counts",
        "gone",
        "lasting",
        "named",
        "parting",
        "passage",
        "peer",
        "record",
        "renaming",
        "seen",
        "shared",
        "surplus",
        "tunnel",
        "upstream",
        "wire",
    )

    protocol: ClassVar[str] = ""  # as of a Record

    def __init__(
        self, shared: SharedState, wire: ClientWire, peer: Forwarding, *, surplus: bool
    ) -> None:
        """`surplus`: there are too many already; its requests are answered with a 503."""
        self.shared = shared
        self.wire = wire
        self.peer = peer
        self.ahead = b""  # read, but not yet used: pipelined requests, the beginning of a head
        self.counts = shared.registry.unrouted  # where a request that is refused is counted
        self.upstream: BackendWire | None = None
        self.tunnel: Tunnel | None = None  # that the request under way has become
        self.seen = 0
        self.gone = False
        self.lasting = False  # the request under way, or the last one, ends when a side leaves
        self.named: str | None = None  # the host that its hello has named, "" if none: it has TLS
        self.by_tls_port = False  # it has come to that
        self.parting = False  # its connection ends when what is under way has been answered
        self.renaming: Renaming | None = None  # it has come by an inlet
        self.passage: Passage | None = None  # the way of the request under way, if it has one
        self.record = NO_REQUEST  # of the request under way
        self.surplus = surplus
        self._hold: trio.CancelScope | None = None

    def send_head(
        self, head: AnswerHead, pieces: Buffers, end: bytes | None = None
    ) -> Awaitable[None]:
        """Send a head, and what there is of the body behind it.

        `end`: that was all of a body whose `head.length` is CHUNKED; these are its trailers, as
        ChunkedReader gives them. What else comes of such a body is for `send_body`; the rest of one
        that is counted is for `wire`. Raises: OSError, WireCut.
        """
        raise NotImplementedError

    def send_body(
        self, head: AnswerHead, pieces: Buffers, end: bytes | None = None
    ) -> Awaitable[None]:
        """Send what comes next of the body behind `head`, which isn't counted. `end` as above.

        Raises: OSError, WireCut.
        """
        raise NotImplementedError

    def body_reader(self) -> BodyReader:
        """Return what reads the body of a request whose length isn't told."""
        raise NotImplementedError

    def has_tls(self, request: RequestHead) -> bool:
        """Whether the client came with TLS, to us or a trusted proxy before us; or needs none."""
        return self.renaming is not None or scheme_of(request, self.peer) == b"https"

    def may_ask_for(self, host: str) -> bool:
        """Whether the certificate that the client has seen is also for `host`."""
        contexts = self.shared.contexts
        return bool(contexts and self.named and contexts.covers(self.named, host))

    def check_switch(self, response: ResponseHead) -> None:
        """The backend has answered a request to switch protocols. Raises: BadMessage."""

    def resets_with(self, code: int) -> None:
        """Its answer has been reset with that code of HTTP/2, and so is it."""

    def begin(self, upstream: BackendWire) -> None:
        """A request is under way at `upstream`: the sweeper watches the client if it takes long."""
        self.upstream = upstream
        self.seen = 0
        self.shared.sweeper.wake()

    def end(self) -> None:
        """The request is no longer under way at a backend."""
        self.upstream = self.tunnel = None

    def tunnels(self, tunnel: Tunnel) -> None:
        """The request has become a tunnel, which sees who leaves; a FIN means less to it."""
        self.tunnel = tunnel
        self.unwatch()
        self.seen = 2

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

    def watch(self) -> None:
        """From now on notice when the client leaves."""

    def unwatch(self) -> None:
        """From now on it doesn't matter when the client leaves."""

    def leave(self) -> None:
        """rpx goes down: end what has no end of its own; anything else is the last request."""
        if self.tunnel is not None:
            self.tunnel.leave()
        elif self.lasting and self.upstream is not None:
            self.upstream.cut(Cut.DRAINED)

    def left(self) -> None:
        """The client has gone: what is under way for it ends."""
        self.gone = True
        if self.upstream is not None:
            self.upstream.cut(Cut.GONE)
        if self._hold is not None:
            self._hold.cancel(reason="the client has gone")
