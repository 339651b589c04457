"""The connections of the control API: hypercorn speaks HTTP, starlette finds the route."""

from __future__ import annotations

from typing import Any, cast

import trio
from hypercorn.config import Config as ServerConfig
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState, Framework
from hypercorn.utils import wrap_app

from rpx.control.routes import application
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.hub.walls import walled


class Connections:
    """The open connections, each behind its wall.

    hypercorn serves them one by one instead of through its `worker_serve`: it writes to clients
    behind a shield, so that one that has stopped reading (`rpx logs -f | less`) would hold up the
    end of rpx for ever. Closing the socket under it is what helps, and for that we need to know it.
    """

    def __init__(self, registry: Registry, shutdown: Shutdown) -> None:
        self._registry = registry
        self._config = ServerConfig()
        self._config.accesslog = self._config.errorlog = None
        self._config.include_server_header = False
        app = cast(Framework, application(registry, shutdown))  # each has its own ASGI types
        self._app = wrap_app(app, self._config.wsgi_max_body_size, "asgi")
        self._open: set[trio.SocketStream] = set()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        await walled(self._report, self._serve, stream)

    async def _serve(self, stream: trio.SocketStream) -> None:
        self._open.add(stream)
        try:
            async with stream:
                context, state = WorkerContext(None), ConnectionState({})
                plain = cast(Any, stream)  # the annotation there knows TLS alone
                await TCPServer(self._app, self._config, context, state, plain).run()
        finally:
            self._open.discard(stream)

    async def hang_up_at_the_end(
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
        self._registry.say(f"a connection of the control API broke: {group.exceptions[0]!r}")
