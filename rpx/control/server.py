"""Connections of our own HTTP servers: hypercorn speaks HTTP, starlette finds the route."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from traceback import walk_tb
from typing import Any, cast

import trio
from hypercorn.config import Config as ServerConfig
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, Framework
from hypercorn.utils import wrap_app
from starlette.applications import Starlette

from rpx.hub.descriptors import SHORTAGES
from rpx.hub.error_boundary import contain_errors
from rpx.hub.registry import Registry

PAUSE = 0.1  # seconds until somebody may have closed a file

_AROUND = frozenset((__name__, contain_errors.__module__))


class Connections:
    """The open connections, each within an error boundary.

    hypercorn serves them one by one instead of through its `worker_serve`: it writes to clients
    behind a shield, so that one that has stopped reading (`rpx logs -f | less`) would hold up the
    end of rpx for ever. Closing the socket under it is what helps, and for that we need to know it.
    """

    def __init__(self, application: Starlette, registry: Registry) -> None:
        self._registry = registry
        self._config = ServerConfig()
        self._config.accesslog = self._config.errorlog = None
        self._config.include_server_header = False
        app = cast(Framework, application)  # each has its own ASGI types
        self._app = wrap_app(app, self._config.wsgi_max_body_size, "asgi")
        self._open: set[trio.SocketStream] = set()

    async def run(self, listeners: Sequence[socket.socket]) -> None:
        """Serve who comes to sockets that listen already, until cancelled."""
        doors = [trio.SocketListener(trio.socket.from_stdlib_socket(each)) for each in listeners]
        async with trio.open_nursery() as nursery:
            await nursery.start(self._hang_up_at_the_end)
            for door in doors:
                nursery.start_soon(self._accept, door, nursery)

    async def _accept(self, door: trio.SocketListener, nursery: trio.Nursery) -> None:
        """Let in who comes. What there are no files for waits in the queue of the socket."""
        while True:
            try:
                stream = await door.accept()
            except OSError as error:
                if error.errno not in SHORTAGES:
                    raise
                await trio.sleep(PAUSE)
            else:
                nursery.start_soon(self._walled, stream)

    async def _walled(self, stream: trio.SocketStream) -> None:
        await contain_errors(self._report, self._serve, stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        self._open.add(stream)
        try:
            async with stream:
                context, state = WorkerContext(None), ConnectionState({})
                plain = cast(Any, stream)  # the annotation there knows TLS alone
                await TCPServer(self._app, self._config, context, state, plain).run()
        finally:
            self._open.discard(stream)

    async def _hang_up_at_the_end(
        self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Wait to be cancelled, then close every connection under whoever writes to it."""
        task_status.started()
        try:
            await trio.sleep_forever()
        finally:
            for stream in self._open:
                stream.socket.close()

    def _report(self, group: ExceptionGroup[Exception]) -> None:
        if group.subgroup(_is_ours) is None:
            return  # a client has sent what the server makes nothing of, which is its own affair
        self._registry.say(f"a connection to rpx itself broke: {group.exceptions[0]!r}")


def _is_ours(error: BaseException) -> bool:
    """Whether code of ours had a part in it, apart from here: not so where HTTP was read."""
    names = [f.f_globals.get("__name__", "") for f, _ in walk_tb(error.__traceback__)]
    return any(name.startswith("rpx.") and name not in _AROUND for name in names)
