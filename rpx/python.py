"""rpx inside a trio program: `async with rpx.start_proxy(...) as proxy`."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from rpx.app import Options, serve
from rpx.config import config_from_mapping
from rpx.errors import RpxError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.config import Config
from rpx.model.figures import Figures
from rpx.model.status import Routed

LINES = 10_000  # of `verbose` that may be waiting to be printed


class Proxy:
    """A running project, as `start_proxy` gives it."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def url(self) -> str:
        """The URL of the first host, with the port that was really taken."""
        for url in self.urls.values():
            return url
        raise RpxError("this project has no proxy, and so no URL", hint="give it `from` and `to`")

    @property
    def urls(self) -> dict[str, str]:
        """Host → URL, in the order of the configuration."""
        return {host: self._registry.url(host) for host in self._registry.pools}

    def stats(self) -> dict[str, Figures]:
        """Return `host:port` → `requests`, `errors`, `avgLatency` (ms) and more: see Figures.

        A backend that serves several hosts has the sum of all.
        """
        return self._registry.stats_by_address()

    def stats_by_host(self) -> dict[str, dict[str, Figures]]:
        """Return host → `host:port` → figures, as `rpx stats --json` prints it.

        What rpx answered itself, because no backend could, has a row `rpx`.
        """
        return self._registry.stats()


@asynccontextmanager
async def start_proxy(
    config: Mapping[str, object] | None = None, /, **keys: object
) -> AsyncIterator[Proxy]:
    """Run a project inside the caller's trio program until the block is left.

    Takes the keys of rpx.yaml, as one mapping or as keywords (`from_` for `from`); relative paths
    are relative to the working directory. On entry clients can connect, and requests wait for
    backends that are still starting. On exit, cancelled or not, requests under way are finished
    and every started process is stopped. No signal handler is installed.

    Raises RpxError on entry: ConfigError for what is wrong with the keys, others for a port that
    can't be had.
    """
    mapping = {**(config or {}), **keys}
    project = config_from_mapping(mapping, root=Path.cwd(), environ=os.environ)
    options = Options(run_id=secrets.token_hex(6), report=_report)
    shutdown = Shutdown()
    try:
        async with trio.open_nursery() as nursery:
            try:
                registry: Registry = await nursery.start(_shielded, project, options, shutdown)
                yield Proxy(registry)
            finally:
                shutdown.request()
    except BaseExceptionGroup as group:
        # The nursery is ours, not the caller's: what was raised in the block comes out as it was.
        raise _single(group) from None


async def _tell(
    registry: Registry,
    shutdown: Shutdown,  # noqa: ARG001 - a face gets it
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """The face of `verbose`: a line for each request and the backend that answers it."""
    with registry.events.subscribe(LINES) as events:
        task_status.started()
        async for event in events:
            if isinstance(event, Routed):
                print(f"[rpx] Request {event.path} → {event.address}", flush=True)  # noqa: T201


async def _shielded(
    project: Config,
    options: Options,
    shutdown: Shutdown,
    *,
    task_status: trio.TaskStatus[Registry],
) -> None:
    """Cancelling the caller's block ends the project, but in order: see `start_proxy`."""
    with trio.CancelScope(shield=True):  # bounded by the drain and the grace periods
        faces = [_tell] if project.verbose else []
        await serve(project, options, shutdown, faces, task_status=task_status)


def _single(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _report(group: ExceptionGroup[Exception]) -> None:
    logging.getLogger("rpx").error("a bug in rpx ended a part of it", exc_info=group)
