"""Puts rpx together: start-up order is reading order, shut-down order is indentation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from rpx.backend.containers import Containers, Household
from rpx.backend.fleet import Fleet
from rpx.backend.free_ports import choose_ports
from rpx.backend.preflight import preflight
from rpx.changes.project import Project, Terms
from rpx.changes.watching import Watching
from rpx.control.dashboard.host import DashboardHost
from rpx.control.known_state import KnownState
from rpx.control.scraping import Scraped
from rpx.door.starting import door_place
from rpx.engine.container_names import Naming
from rpx.hub.observer import Observer
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.listeners import close_at_the_end, listen_for_metrics, open_to_others
from rpx.model.config import Config
from rpx.model.ports import Ports
from rpx.policy.depend import begun_unasked, with_dependencies
from rpx.policy.naming import select
from rpx.policy.plan import plan_backends, plan_pools, project_variables
from rpx.policy.scaling import scaled
from rpx.policy.sites import plan_sites
from rpx.prepare import prepare, prepared, settings_of
from rpx.proxy.certified import accepting, besides
from rpx.proxy.front_door import FrontDoor
from rpx.proxy.listener import Server
from rpx.proxy.own_host import OwnHost
from rpx.proxy.shared import SharedState
from rpx.runs.lease import project_with

if TYPE_CHECKING:
    from rpx.door.messages import MemberHello


@dataclass(frozen=True, slots=True)
class Options:
    """What a run knows beside the configuration.

    `run_id` marks its processes; `report` gets the bugs that were contained; `colour`: services
    may print in colours; `terms` are what holds for every configuration that it may have.
    `member`: what it says of itself at the machine's door, by which clients come unless its
    configuration has something against that; None: they come by listeners of its own. `early` is
    told why its ports aren't the usual ones, before there is anybody who observes. `identity` is in
    a label of its containers, by which another run removes them; "": no other run does. `folder` is
    where it may have files while it runs. `dashboard` is served at its host.
    """

    run_id: str
    report: Callable[[ExceptionGroup[Exception]], None]
    colour: bool = False
    member: MemberHello | None = None
    terms: Terms = field(default_factory=Terms)
    early: Callable[[str], None] = lambda _: None
    identity: str = ""
    folder: Path | None = None
    dashboard: DashboardHost | None = None


async def serve(
    config: Config,
    options: Options,
    shutdown: Shutdown,
    observers: Sequence[Observer] = (),
    *,
    task_status: trio.TaskStatus[Registry] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a project until `shutdown` is asked for and done.

    Raises: RpxError, before any process is started, when a port can't be had or a command doesn't
    exist. `task_status.started` gets the registry once clients can connect.
    """
    terms, loaded, dashboard = options.terms, config, options.dashboard
    config = scaled(loaded, terms.scale)
    config = await trio.to_thread.run_sync(choose_ports, config, terms.ports)
    door = FrontDoor(door_place, options.member, options.report) if options.member else None

    def say(text: str) -> None:  # once there is somebody to say it to
        registry.say(text)

    with ExitStack() as doors:  # those that nobody has come to serve are closed again
        basis = await prepare(config, doors, say, ports=Ports(), file=terms.ports, door=door)
        for note in basis.moved:
            options.early(note)
        scraped, where = listen_for_metrics(config.metrics)
        close_at_the_end(doors, scraped)
        registry = new_registry(config, basis.key, basis.ports)
        specs = [backend.spec for backend in registry.backends.values()]
        rows = registry.snapshot()
        named = {row.label for name in terms.names for row in select(rows, name)}
        wanted = with_dependencies(specs, named or begun_unasked(specs))
        looked_at = [spec for spec in specs if spec.label in wanted]
        naming = Naming(_with_realm(config), options.identity or options.run_id)
        household = Household(naming, config.containers, options.folder)
        containers = Containers(registry, household, options.run_id)
        left = await containers.prepare(looked_at)
        await trio.to_thread.run_sync(preflight, looked_at, None, project_with)
        if scraped:
            observers = [*observers, Scraped(scraped)]
        if door is not None:
            observers = [*observers, KnownState(door.tell)]
        patience = shutdown.patience
        shared = SharedState(
            registry,
            options.report,
            settings=settings_of(config),
            contexts=basis.contexts,
            trusted=config.listen.trusted_proxies,
            own_host=OwnHost(dashboard.host, dashboard) if dashboard else None,
        )
        server = Server(shared)
        fleet = Fleet(
            registry,
            patience,
            options.report,
            run_id=options.run_id,
            colour=options.colour,
            containers=containers,
            usual=lambda: accepting(shared.contexts),
        )
        project = Project(
            registry,
            fleet,
            loaded,
            terms,
            partial(prepared, server, terms.ports, door),
            besides=lambda to: besides(shared.contexts, to),
        )
        async with trio.open_nursery() as services:
            for observer in observers:
                await services.start(observer, registry, shutdown)
            reachable = open_to_others(config.listen.host)
            for note in filter(None, (*left, *basis.moved, reachable, *basis.notes, where)):
                registry.say(note)
            async with trio.open_nursery() as lives:
                await lives.start(fleet.run, wanted)
                task_status.started(registry)
                changes = trio.CancelScope()
                lives.start_soon(_change, changes, project, Watching(registry, project))

                async def services_end() -> None:
                    changes.cancel(reason="nothing changes any more")
                    await fleet.shut_down()

                await server.run(
                    basis.plain,
                    shutdown.wait,
                    patience,
                    tls=basis.tls,
                    inlets=basis.inlets,
                    besides=door,
                    services_end=services_end,
                )
                await services_end()  # to its end, if patience was lost in it
                lives.cancel_scope.cancel(reason="every process has gone")
            await containers.end()
            registry.say("stopped")
            services.cancel_scope.cancel(reason="nothing is left to look at")


def _with_realm(config: Config) -> str:
    return f"{config.name}-{config.realm}" if config.realm else config.name


async def _change(until: trio.CancelScope, project: Project, watching: Watching) -> None:
    with until:
        async with trio.open_nursery() as changes:
            changes.start_soon(project.run)
            changes.start_soon(watching.run)


def new_registry(config: Config, key: bytes, ports: Ports) -> Registry:
    """Return the registry of a project whose clients connect to these; `key`: of its cookies."""
    registry = Registry(
        plan_backends(config, ports),
        plan_pools(config.proxies),
        plan_sites(config.proxies, project_variables(config, ports)),
        clock=time.time,
        steady=_steady,
        ports=ports,
        key=key,
    )
    registry.keep(config.dashboard_host)
    registry.requests.become(config.requests)
    return registry


def _steady() -> float:
    """Seconds that nobody sets, and that go on while a laptop sleeps, unlike trio's."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()
