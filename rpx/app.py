"""Puts rpx together: start-up order is reading order, shut-down order is indentation."""

from __future__ import annotations

import errno
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import trio

from rpx.backend.fleet import Fleet
from rpx.backend.ports import settle_ports
from rpx.backend.preflight import how_to_permit, preflight, taken
from rpx.control.scraping import Scraped
from rpx.control.secret import kept_key
from rpx.errors import RpxError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.address import Address
from rpx.model.config import Config, Listen, Metrics
from rpx.policy.depend import with_dependencies
from rpx.policy.naming import select
from rpx.policy.plan import plan, plan_pools
from rpx.proxy.listener import Server, open_listeners

FIRST_CHOICE = 80
FALLBACKS = range(8080, 8180)


class Face(Protocol):
    """What looks at a running project: console, control API. Started before anything else is.

    It calls `task_status.started()` once it listens; it is cancelled after the last backend has
    gone, so that it sees everything there is to see.
    """

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a run knows beside the configuration.

    `run_id` marks its processes; `report` gets the bugs that walls have caught; `colour`: services
    may print in colours; `names`: only these services, and what they depend on, are started;
    `ports` is the file that keeps the ports rpx has chosen.
    """

    run_id: str
    report: Callable[[ExceptionGroup[Exception]], None]
    colour: bool = False
    names: Sequence[str] = ()
    ports: Path | None = None


async def serve(
    config: Config,
    options: Options,
    shutdown: Shutdown,
    faces: Sequence[Face] = (),
    *,
    task_status: trio.TaskStatus[Registry] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run a project until `shutdown` is asked for and done.

    Raises RpxError, before any process is started, when a port can't be had or a command doesn't
    exist. `task_status.started` gets the registry once clients can connect.
    """
    config = await trio.to_thread.run_sync(settle_ports, config, options.ports)
    key, forgetful = await sticky_key(config)
    with ExitStack() as doors:  # those that nobody has come to serve are closed again
        listeners, fallback = listen(config.listen)
        _close_at_the_end(doors, listeners)
        scraped, where = listen_for_metrics(config.metrics)
        _close_at_the_end(doors, scraped)
        registry = new_registry(config, listeners[0].getsockname()[1], key)
        specs = [backend.spec for backend in registry.backends.values()]
        rows = registry.snapshot()
        named = {row.label for name in options.names for row in select(rows, name)}
        wanted = with_dependencies(specs, named) if named else {spec.label for spec in specs}
        await trio.to_thread.run_sync(preflight, [s for s in specs if s.label in wanted])
        if scraped:
            faces = [*faces, Scraped(scraped)]
        patience = shutdown.patience
        server = Server(
            registry,
            options.report,
            verbose=config.verbose,
            timeouts=config.timeouts,
            limits=config.limits,
        )
        fleet = Fleet(
            registry,
            patience,
            options.report,
            run_id=options.run_id,
            colour=options.colour,
        )
        async with trio.open_nursery() as services:
            for face in faces:
                await services.start(face, registry, shutdown)
            for note in filter(None, (fallback, forgetful, where)):
                registry.say(note)
            async with trio.open_nursery() as lives:
                await lives.start(fleet.run, wanted)
                task_status.started(registry)
                await server.run(listeners, shutdown.wait, patience)
                await fleet.shut_down()
                lives.cancel_scope.cancel(reason="every process has gone")
            registry.say("stopped")
            services.cancel_scope.cancel(reason="nothing is left to look at")


def _close_at_the_end(doors: ExitStack, listeners: Sequence[socket.socket]) -> None:
    for listener in listeners:
        doors.callback(listener.close)


def new_registry(config: Config, port: int, key: bytes) -> Registry:
    """Return the registry of a project whose clients connect to `port`; `key`: of its cookies."""
    epoch = time.time() - trio.current_time()
    return Registry(
        plan(config, port),
        plan_pools(config.proxies),
        clock=lambda: epoch + trio.current_time(),
        port=port,
        key=key,
    )


async def sticky_key(config: Config) -> tuple[bytes, str]:
    """Return the key of sticky cookies, and what is to be said when it can't be kept."""
    if not any(proxy.sticky for proxy in config.proxies):
        return b"", ""
    try:
        return await trio.to_thread.run_sync(kept_key), ""
    except OSError as error:
        note = f"sticky sessions end with this run: their key can't be kept ({error})"
        return secrets.token_bytes(), note


def listen_for_metrics(wanted: Metrics | None) -> tuple[list[socket.socket], str]:
    """Open the listeners for `metrics`, if it is there; also say where they are."""
    if wanted is None:
        return [], ""
    try:
        listeners = open_listeners("localhost", wanted.port)
    except OSError as error:
        raise _no_port("localhost", wanted.port, error, setting="`metrics.port`") from None
    port = listeners[0].getsockname()[1]
    return listeners, f"metrics at http://localhost:{port}/metrics"


def listen(wanted: Listen) -> tuple[list[socket.socket], str]:
    """Open the listeners; also say why they aren't on port 80, where nobody chose a port."""
    if wanted.http_port is not None:
        try:
            return open_listeners(wanted.host, wanted.http_port), ""
        except OSError as error:
            raise _no_port(wanted.host, wanted.http_port, error) from None
    why = ""
    for port in (FIRST_CHOICE, *FALLBACKS):
        try:
            listeners = open_listeners(wanted.host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise _no_port(wanted.host, port, error) from None
            why = why or _why_not(wanted.host, port, error)
        else:
            return listeners, f"listening on port {port}: {why}" if why else ""
    raise RpxError(
        f"no port from {FALLBACKS.start} to {FALLBACKS.stop - 1} is free",
        hint="set `listen.http_port`; 0 takes any free one",
    )


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return str(taken("the usual one", Address(host, port)).problems[0].what)
    return f"port {port} needs root, or `sysctl net.ipv4.ip_unprivileged_port_start={port}`"


def _no_port(host: str, port: int, error: OSError, setting: str = "`listen.http_port`") -> RpxError:
    if error.errno == errno.EADDRINUSE:
        return taken(setting, Address(host, port))
    if error.errno in (errno.EACCES, errno.EPERM):
        return RpxError(
            f"port {port} is not permitted",
            hint=f"set {setting} to 0 for any free one, or {how_to_permit(port)}",
        )
    return RpxError(
        f"can't listen on {host}, port {port}: {error.strerror}",
        hint="`listen.host` is an address of this machine; `localhost` is 127.0.0.1 and ::1",
    )
