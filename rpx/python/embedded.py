"""A project as a block of a trio program: started on entry, gone on exit."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Unpack

import trio

from rpx.app import Options, serve
from rpx.config import config_from_mapping, overlaid
from rpx.errors import RpxError
from rpx.folders import here
from rpx.hub.mailbox import ProjectOrder
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.answers import ChangeReport, Kill, Outcome
from rpx.model.config import Config
from rpx.model.figures import Figures
from rpx.model.request_answers import RequestRow
from rpx.model.status import Snapshot
from rpx.orders import pausing, verbs, whole
from rpx.orders.passed import row
from rpx.policy.request_filter import request_filter
from rpx.python.events import Events, end_events
from rpx.python.keys import ProjectKeys
from rpx.python.verbose import tell

EVENTS = 1000  # that may wait for a loop; a rolling restart of ten copies is a hundred


class Proxy:
    """A running project, as `start_proxy` gives it.

    Backends are named as on the command line: by port (3001 or "3001"), "host:port", "name:port",
    "name:index" or, where all copies are meant, by name.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def url(self) -> str:
        """The URL of the first host, with the port that was really taken.

        Raises: RpxError when the project has no proxy.
        """
        for url in self.urls.values():
            return url
        raise RpxError("this project has no proxy, and so no URL", hint="give it `from` and `to`")

    @property
    def urls(self) -> dict[str, str]:
        """Host → URL, in the order of the configuration; all that are in a list. `*`, which is any
        host, has that of localhost.
        """
        sites = self._registry.sites.values()
        return {to: self._registry.page(to) for site in sites for to in site.spec.reached}

    @property
    def internal_urls(self) -> dict[str, str]:
        """Host → URL by which any program of this machine reaches it, whatever names the system
        knows and whatever certificates it trusts. Empty where rpx starts nothing.
        """
        return self._registry.internal_urls()

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

    def requests(self, *words: str) -> list[RequestRow]:
        """Return the last requests that all of these filter words mean (`status:5xx`), oldest
        first, as `rpx requests` shows them. Raises: UsageError for a word that is none.
        """
        wanted = request_filter(words)
        found = (row(self._registry, record) for record in self._registry.requests.all())
        return [each for each in found if wanted(each)]

    def backends(self) -> list[Snapshot]:
        """Return what `rpx ps` shows: each backend and process as it is now, in listed order."""
        return self._registry.snapshot()

    def events(self, depth: int = EVENTS) -> Events:
        """Return an async iterator over what happens from now on; it ends with the project.

        It gives StateChanged, RotationChanged, Note and, if the project is verbose, Routed. At
        most `depth` of them wait for a slow loop: the oldest are dropped, and a Missed says how
        many. What is true then say `backends()`.
        """
        return Events(self._registry.events, depth)

    async def kill_backend(
        self,
        backend: str | int,
        *,
        signal: str | int = "KILL",
        down_for: float = 0.0,
        restart: bool = True,
    ) -> Kill:
        """Kill the process that serves a backend, as a crash would; return what was hit.

        It is started again after `down_for` seconds, or stays down until `start` if `restart` is
        false. Raises: RpxError if there is no such backend, it isn't ours, or it has no process.
        """
        return await verbs.kill_backend(
            self._registry,
            str(backend),
            signum=verbs.signal_number(str(signal)),
            down_for=down_for,
            come_back=restart,
        )

    async def start(self, *names: str | int) -> list[Outcome]:
        """Start what is down, and return when it is ready. Raises: RpxError if it isn't in time."""
        return await self._ordered(verbs.start, names)

    async def stop(self, *names: str | int) -> list[Outcome]:
        """Stop backends when their requests are done; they stay down. Raises: RpxError."""
        return await self._ordered(verbs.stop, names)

    async def restart(self, *names: str | int) -> list[Outcome]:
        """Replace processes, each when the one before is ready again. Raises: RpxError."""
        return await self._ordered(verbs.restart, names)

    async def pause(self, *names: str | int) -> list[Outcome]:
        """Keep backends out of rotation until `resume`; processes run on. Raises: RpxError."""
        return await self._ordered(pausing.pause, names)

    async def resume(self, *names: str | int) -> list[Outcome]:
        """Let backends that were paused be in rotation again. Raises: RpxError."""
        return await self._ordered(pausing.resume, names)

    async def scale(self, services: Mapping[str, int], *, dry_run: bool = False) -> ChangeReport:
        """Run so many copies of services with `replicas`; return what was done once it is.

        `dry_run`: only what would be done. Raises: RpxError if a copy doesn't come up.
        """
        return await self._changed(ProjectOrder(dict(services), dry=dry_run))

    async def reload(
        self,
        config: Mapping[str, object] | None = None,
        /,
        *,
        dry_run: bool = False,
        **keys: Unpack[ProjectKeys],
    ) -> ChangeReport:
        """Become the project of these keys, all of them anew, as `start_proxy` takes them.

        Only what is different is touched, and no request is lost. Return what was done once it is;
        `dry_run`: only what would be done. Raises: RpxError before anything is touched for wrong
        keys, or if a backend doesn't come up, which then goes on as it was.
        """
        return await self._changed(ProjectOrder(dry=dry_run, config=_project(config, keys)))

    async def _changed(self, order: ProjectOrder) -> ChangeReport:
        report = await whole.carried_out(self._registry, order)
        _all_fine(report.outcomes or ())
        return report

    async def _ordered(self, verb: verbs.Verb, names: tuple[str | int, ...]) -> list[Outcome]:
        outcomes = await verb(self._registry, [str(name) for name in names])
        _all_fine(outcomes)
        return outcomes


def _all_fine(outcomes: Iterable[Outcome]) -> None:
    for each in outcomes:
        if each.exit_code:
            raise RpxError(each.sentence, exit_code=each.exit_code)


@asynccontextmanager
async def start_proxy(
    config: Mapping[str, object] | None = None, /, **keys: Unpack[ProjectKeys]
) -> AsyncIterator[Proxy]:
    """Run a project inside the caller's trio program until the block is left.

    Takes the keys of rpx.yaml, as one mapping or as keywords (`from_` for `from`), which win:

        async with rpx.start_proxy(from_=["localhost:3000", 3001], to="api.localhost") as proxy:
            print(proxy.url)

        rpx.start_proxy(proxies=[{"from": 3000, "to": "api.localhost"}, ...])

    Relative paths are relative to the working directory. On entry clients can connect, and
    requests wait for backends that are still starting. On exit, cancelled or not, requests under
    way are finished and every started process is stopped. No signal handler is installed, and the
    process is never ended.

    Raises: RpxError on entry: ConfigError for what is wrong with the keys, others for a port that
    can't be had or a command that doesn't exist. What the block raises comes out as it was.
    """
    project = _project(config, keys)
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


def _project(config: Mapping[str, object] | None, keys: ProjectKeys) -> Config:
    mapping = overlaid(config or {}, keys)
    return config_from_mapping(mapping, root=here(), environ=os.environ)


async def _shielded(
    project: Config,
    options: Options,
    shutdown: Shutdown,
    *,
    task_status: trio.TaskStatus[Registry],
) -> None:
    """Cancelling the caller's block ends the project, but in order: see `start_proxy`."""
    with trio.CancelScope(shield=True):  # bounded by the drain and the grace periods
        observers = [end_events, tell] if project.verbose else [end_events]
        await serve(project, options, shutdown, observers, task_status=task_status)


def _single(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


def _report(group: ExceptionGroup[Exception]) -> None:
    logging.getLogger("rpx").error("a bug in rpx ended a part of it", exc_info=group)
