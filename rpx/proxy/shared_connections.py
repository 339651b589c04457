"""The connections of HTTP/2 to backends: few for each, shared by requests stream by stream.

A new one is made when none has room: at first, when its backend takes no more streams on it, when
it has said goodbye (GOAWAY). Requests that come meanwhile wait for the same one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from rpx.hub.endpoint import Endpoint
from rpx.hub.error_boundary import contain_errors
from rpx.proxy.backend_connection import BackendConnection
from rpx.proxy.backend_stream import BackendStream
from rpx.proxy.reactor import Reactor
from rpx.proxy.wire import NEVER

TICK = 1.0  # seconds between looks at those that rest

Connect = Callable[[], Awaitable[BackendConnection]]
Report = Callable[[ExceptionGroup[Exception]], None]


class _Opening:
    """A connection that is being made, for whoever waits for it."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self.failed: OSError | None = None


class SharedConnections:
    """By backend, the oldest first."""

    def __init__(self, reactor: Reactor, report: Report) -> None:
        """`report` gets what went wrong on one by a bug of ours."""
        self._reactor = reactor
        self._report = report
        self._of: dict[Endpoint, list[BackendConnection]] = {}
        self._opening: dict[Endpoint, _Opening] = {}

    def stream(self, backend: Endpoint) -> BackendStream | None:
        """Return what carries another request to `backend`, on a connection that has room."""
        for connection in self._of.get(backend, ()):
            if connection.has_room:
                return connection.stream()
        return None

    async def open(self, backend: Endpoint, connect: Connect, within: float) -> BackendStream:
        """Return it on a new connection, or on one that somebody else has made meanwhile.

        Raises: OSError (TimeoutError when there is none within so many seconds).
        """
        by = trio.current_time() + within
        while True:
            opening = self._opening.get(backend)
            if opening is None:
                return await self._open(backend, connect, within)
            async with self._reactor.task():
                with trio.move_on_at(by) as wait:
                    await opening.over.wait()
            if wait.cancelled_caught:
                raise TimeoutError("no connection in time")
            if opening.failed is not None:
                raise opening.failed
            stream = self.stream(backend)
            if stream is not None:
                return stream

    async def _open(self, backend: Endpoint, connect: Connect, within: float) -> BackendStream:
        opening = self._opening[backend] = _Opening()
        try:
            return await self.begin(backend, await connect(), within)
        except OSError as error:
            opening.failed = error
            raise
        finally:
            del self._opening[backend]
            opening.over.set()

    async def begin(
        self, backend: Endpoint, connection: BackendConnection, within: float
    ) -> BackendStream:
        """Have a new connection carry requests, and return what carries the first of them.

        Raises: OSError.
        """
        self._of.setdefault(backend, []).append(connection)
        serve = partial(self._serve, backend, connection)
        self._reactor.begin(contain_errors(self._report, serve))
        stream = connection.stream()  # before others see that there is room, which may be for one
        try:
            await self._settled(connection, within)
        except OSError:
            stream.drop()
            raise
        return stream

    async def _serve(self, backend: Endpoint, connection: BackendConnection) -> None:
        try:
            await connection.serve()
        finally:
            others = self._of[backend]
            others.remove(connection)
            if not others:
                del self._of[backend]

    async def _settled(self, connection: BackendConnection, within: float) -> None:
        """Wait until its backend has said its settings. Raises: OSError."""
        if not connection.ready.is_set():
            async with self._reactor.task():
                with trio.move_on_after(within):
                    await connection.ready.wait()
        if not connection.ready.is_set():
            connection.close()
            raise TimeoutError("no settings in time")
        if connection.fault is not None:
            raise connection.fault

    def expire(self, now: float, rest: float) -> float:
        """End what has been at rest for `rest` seconds, or leads to a backend that is out.

        Return the seconds until the next look is due.
        """
        for backend, connections in list(self._of.items()):
            for connection in connections[:]:
                if not backend.in_rotation:
                    connection.leave()
                elif connection.at_rest and now - connection.since >= rest:
                    connection.close()
        return TICK if self._of else NEVER

    def leave(self) -> None:
        """rpx goes down: end what is at rest now, and the others when they are."""
        for connections in list(self._of.values()):
            for connection in connections[:]:
                connection.leave()
