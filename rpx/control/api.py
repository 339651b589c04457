"""The control API as a face of a running project: a private unix socket, and who serves it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from rpx.control.measure import Measure, unmeasured
from rpx.errors import RpxError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown

if TYPE_CHECKING:
    from rpx.control.server import Connections

BACKLOG = 64


class Control:
    """Serves the API at `path`, whose folder is private already. A `Face` of rpx.app."""

    def __init__(
        self,
        path: Path,
        ready: Callable[[Registry], None] = lambda _registry: None,
        measure: Measure = unmeasured,
    ) -> None:
        """`ready` is called once the project can be asked for orders.

        `measure` is asked only when somebody looks, in a thread.
        """
        self._path = path
        self._ready = ready
        self._measure = measure

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        with ExitStack() as stack:
            listener = _listen(self._path)
            stack.callback(listener.close)
            stack.callback(self._path.unlink, missing_ok=True)
            self._ready(registry)
            task_status.started()  # who connects from now on waits in the backlog
            connections = await trio.to_thread.run_sync(_load, registry, shutdown, self._measure)
            await connections.run([listener])


def _load(registry: Registry, shutdown: Shutdown, measure: Measure) -> Connections:
    """Bring in the HTTP server. 150 ms that backends need not wait for, so in a thread."""
    from rpx.control.routes import application  # noqa: PLC0415 - see above
    from rpx.control.server import Connections  # noqa: PLC0415 - see above

    return Connections(application(registry, shutdown, measure), registry)


def _listen(path: Path) -> socket.socket:
    """A listening socket that nobody else can connect to at any time: its folder is 0700."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)  # a crashed run's; whoever holds the lease may
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise RpxError(
            f"the control socket {path} cannot be made: {error.strerror or error}",
            hint="set XDG_RUNTIME_DIR to a folder of yours with a short name",
        ) from None
    return listener
