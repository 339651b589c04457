"""`metrics` of rpx.yaml: the figures for Prometheus over plain HTTP, and nothing else there."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING

import trio

from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown

if TYPE_CHECKING:
    from rpx.control.server import Connections


class Scraped:
    """Serves `/metrics` at sockets that listen already, on loopback. An `Observer`."""

    def __init__(self, listeners: Sequence[socket.socket]) -> None:
        self._listeners = listeners

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,  # noqa: ARG002 - an observer gets it
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        connections = await trio.to_thread.run_sync(_load, registry)
        await connections.run(self._listeners)


def _load(registry: Registry) -> Connections:
    """Bring in the HTTP server, which backends need not wait for, in a thread."""
    from rpx.control.routes import scraped_application  # noqa: PLC0415 - see above
    from rpx.control.server import Connections  # noqa: PLC0415 - see above

    return Connections(scraped_application(registry), registry)
