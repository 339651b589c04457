"""The control API as an observer of a running project: a private unix socket, and who serves it."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import trio

from rpx.control.happened import Happened
from rpx.control.measure import Measure, unmeasured
from rpx.control.surroundings import Surroundings
from rpx.errors import RpxError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown

if TYPE_CHECKING:
    from rpx.control.dashboard.dashboard_site import DashboardSite
    from rpx.control.server import Connections

BACKLOG: Final = 64
LOOK: Final = 1.5  # seconds between two looks whether commands still find the project
REPLACED: Final = 2  # sockets without a name that are served on, for those who connected in time


class Control:
    """Serves the API at `path`, whose folder is private already. An `Observer`."""

    def __init__(
        self,
        path: Path,
        ready: Callable[[Registry], None] = lambda _registry: None,
        measure: Measure = unmeasured,
        keep: Callable[[], Path] | None = None,
        around: Surroundings | None = None,
    ) -> None:
        """`ready` is called once the project can be asked for orders.

        `measure` is asked only when somebody looks. `keep` sees to it now and then that commands
        find the project, and says where the socket is to be; both in a thread.
        """
        self._path = path
        self._around = around or Surroundings()
        self._ready = ready
        self._measure = measure
        self._keep = keep or (lambda: path)

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        dashboard = self._around.dashboard
        door, happened = Door(self._path), Happened()
        with registry.events.feed(happened.events):
            try:
                self._ready(registry)
                if dashboard is not None:
                    registry.say(f"dashboard at {dashboard.url(registry)}")
                task_status.started()  # who connects from now on waits in the backlog
                load, site = await trio.to_thread.run_sync(
                    _load,
                    registry,
                    shutdown,
                    self._measure,
                    happened,
                    self._around,
                )
            except BaseException:
                door.close()
                raise
            if dashboard is not None and site is not None:
                dashboard.serve(site)
            scopes: deque[trio.CancelScope] = deque()
            async with trio.open_nursery() as doors:
                doors.start_soon(self._around.drills.serve, shutdown)
                while True:
                    if len(scopes) > REPLACED:
                        scopes.popleft().cancel()
                    scopes.append(await doors.start(_serve, door, load()))
                    door = await self._another(door, registry)

    async def _another(self, door: Door, registry: Registry) -> Door:
        """Wait until a socket is needed in the place of this one, and return that."""
        failing = False
        while True:
            await trio.sleep(LOOK)
            try:
                place = await trio.to_thread.run_sync(self._keep)
                if not door.is_at(place):
                    registry.say(f"the control socket had gone; commands find it again: {place}")
                    return Door(place)
                failing = False
            except RpxError as error:
                if not failing:
                    registry.say(f"commands may not find this project: {error}")
                failing = True


class Door:
    """A listening socket that nobody else can connect to at any time: its folder is 0700."""

    def __init__(self, path: Path) -> None:
        """Raises: RpxError when it can't be made."""
        self._path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)  # a crashed run's; whoever holds the lease may
            self.listener.bind(str(path))
            path.chmod(0o600)
            self._made = path.lstat()
            self.listener.listen(BACKLOG)
            self.listener.setblocking(False)
        except OSError as error:
            self.listener.close()
            raise RpxError(
                f"the control socket {path} cannot be made: {error.strerror or error}",
                hint="set XDG_RUNTIME_DIR to a folder of yours with a short name",
            ) from None

    def is_at(self, path: Path) -> bool:
        """Whoever connects to `path` comes here."""
        try:
            return path == self._path and os.path.samestat(path.lstat(), self._made)
        except OSError:
            return False

    def close(self) -> None:
        """Let nobody in any more."""
        if self.is_at(self._path):
            with suppress(OSError):
                self._path.unlink()
        self.listener.close()


async def _serve(
    door: Door, connections: Connections, *, task_status: trio.TaskStatus[trio.CancelScope]
) -> None:
    with trio.CancelScope() as scope:
        task_status.started(scope)
        try:
            await connections.run([door.listener])
        finally:
            door.close()


def _load(
    registry: Registry,
    shutdown: Shutdown,
    measure: Measure,
    happened: Happened,
    around: Surroundings,
) -> tuple[Callable[[], Connections], DashboardSite | None]:
    """Bring in the HTTP server. 150 ms that backends need not wait for, so in a thread."""
    from rpx.control.dashboard.dashboard_site import DashboardSite  # noqa: PLC0415 - see above
    from rpx.control.routes import application  # noqa: PLC0415 - see above
    from rpx.control.server import Connections  # noqa: PLC0415 - see above

    app = application(registry, shutdown, measure, happened, around)
    site, dashboard = None, around.dashboard
    if dashboard is not None:
        site = DashboardSite(
            dashboard.project, dashboard.admission, partial(dashboard.origins, registry), app
        )
    return lambda: Connections(app, registry), site
