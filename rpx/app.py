"""Puts rpx together: start-up order is reading order, shut-down order is indentation."""

from __future__ import annotations

import errno
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import trio

from rpx.backend.fleet import Fleet
from rpx.backend.ports import settle_ports
from rpx.backend.preflight import how_to_permit, needs_permission, preflight, taken
from rpx.changes.project import Project, Terms
from rpx.changes.watching import Watching
from rpx.control.scraping import Scraped
from rpx.errors import RpxError
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.address import Address
from rpx.model.config import Config, Metrics
from rpx.policy.depend import with_dependencies
from rpx.policy.naming import select
from rpx.policy.nearness import is_loopback
from rpx.policy.plan import plan, plan_pools
from rpx.policy.scale import scaled
from rpx.proxy.certified import accepting, besides, tls_contexts
from rpx.proxy.listener import Server, open_listeners
from rpx.runs.lease import project_with
from rpx.runs.secret import kept_key


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
    may print in colours; `terms` are what holds for every configuration that it may have.
    """

    run_id: str
    report: Callable[[ExceptionGroup[Exception]], None]
    colour: bool = False
    terms: Terms = field(default_factory=Terms)


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
    terms, loaded = options.terms, config
    config = scaled(loaded, terms.scale)
    config = await trio.to_thread.run_sync(settle_ports, config, terms.ports)
    key, forgetful = await sticky_key(config)
    with ExitStack() as doors:  # those that nobody has come to serve are closed again
        listeners: list[socket.socket] = []
        fallback = ""
        if config.is_served:
            listeners, fallback = listen(config.listen.host, HTTP, config.listen.http_port)
            _close_at_the_end(doors, listeners)
        tls: list[socket.socket] = []
        fallback_tls = ""
        if config.secured:
            tls, fallback_tls = listen(config.listen.host, HTTPS, config.listen.https_port)
            _close_at_the_end(doors, tls)
        open_to_others = _open_to_others(config.listen.host)
        scraped, where = listen_for_metrics(config.metrics)
        _close_at_the_end(doors, scraped)
        registry = new_registry(config, key, _port(listeners), _port(tls, otherwise=443))
        contexts, exposed, untrusted = await tls_contexts(config.secured, registry.say)
        specs = [backend.spec for backend in registry.backends.values()]
        rows = registry.snapshot()
        named = {row.label for name in terms.names for row in select(rows, name)}
        wanted = with_dependencies(specs, named) if named else {spec.label for spec in specs}
        looked_at = [spec for spec in specs if spec.label in wanted]
        await trio.to_thread.run_sync(preflight, looked_at, None, project_with)
        if scraped:
            faces = [*faces, Scraped(scraped)]
        patience = shutdown.patience
        server = Server(
            registry,
            options.report,
            verbose=config.verbose,
            timeouts=config.timeouts,
            limits=config.limits,
            contexts=contexts,
            trusted=config.listen.trusted_proxies,
        )
        fleet = Fleet(
            registry,
            patience,
            options.report,
            run_id=options.run_id,
            colour=options.colour,
            usual=lambda: accepting(server.contexts),
        )
        project = Project(
            registry,
            fleet,
            loaded,
            terms,
            partial(prepared, server),
            besides=lambda to: besides(server.contexts, to),
        )
        async with trio.open_nursery() as services:
            for face in faces:
                await services.start(face, registry, shutdown)
            for note in filter(
                None, (fallback, fallback_tls, open_to_others, forgetful, exposed, untrusted, where)
            ):
                registry.say(note)
            async with trio.open_nursery() as lives:
                await lives.start(fleet.run, wanted)
                task_status.started(registry)
                async with trio.open_nursery() as changes:
                    changes.start_soon(project.run)
                    changes.start_soon(Watching(registry, project).run)
                    await server.run(listeners, shutdown.wait, patience, tls=tls)
                    changes.cancel_scope.cancel(reason="nothing changes any more")
                await fleet.shut_down()
                lives.cancel_scope.cancel(reason="every process has gone")
            registry.say("stopped")
            services.cancel_scope.cancel(reason="nothing is left to look at")


def _port(listeners: Sequence[socket.socket], *, otherwise: int = 0) -> int:
    return int(listeners[0].getsockname()[1]) if listeners else otherwise


def _open_to_others(host: str) -> str:
    """What is to be said where not only this machine can connect."""
    if host == "localhost" or is_loopback(host):
        return ""
    return f"other machines can connect: `listen.host` is {host}"


def _close_at_the_end(doors: ExitStack, listeners: Sequence[socket.socket]) -> None:
    for listener in listeners:
        doors.callback(listener.close)


@asynccontextmanager
async def prepared(server: Server, config: Config) -> AsyncIterator[Callable[[], None]]:
    """Prepare all that is about no single backend for `config`: it holds once what this gives is
    called. Where it isn't, all is as it was. Raises RpxError.
    """
    registry = server.registry
    contexts, exposed, untrusted = await tls_contexts(config.secured, registry.say)
    key, forgetful = registry.key, ""
    if not key:
        key, forgetful = await sticky_key(config)
    notes = [exposed, forgetful]
    with ExitStack() as doors:
        plain: list[socket.socket] = []
        if config.is_served and not registry.port:
            plain, fallback = listen(config.listen.host, HTTP, config.listen.http_port)
            notes.append(fallback)
            _close_at_the_end(doors, plain)
            doors.callback(setattr, registry, "port", registry.port)
            registry.port = _port(plain)
        tls: list[socket.socket] = []
        if contexts is not None and server.contexts is None:
            tls, fallback = listen(config.listen.host, HTTPS, config.listen.https_port)
            notes += [fallback, untrusted]
            _close_at_the_end(doors, tls)
            doors.callback(setattr, registry, "https_port", registry.https_port)
            registry.https_port = _port(tls)

        def settle() -> None:
            doors.pop_all()
            server.contexts = contexts or server.contexts
            server.let_in(plain)
            server.let_in(tls, lambda: server.contexts)
            for note in filter(None, notes):
                registry.say(note)
            registry.key = key
            server.settle(verbose=config.verbose, timeouts=config.timeouts, limits=config.limits)

        yield settle


def new_registry(config: Config, key: bytes, port: int, https_port: int = 443) -> Registry:
    """Return the registry of a project whose clients connect to these; `key`: of its cookies."""
    return Registry(
        plan(config, port, https_port),
        plan_pools(config.proxies),
        clock=time.time,
        steady=_steady,
        port=port,
        https_port=https_port,
        key=key,
    )


def _steady() -> float:
    """Seconds that nobody sets, and that go on while a laptop sleeps, unlike trio's."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


async def sticky_key(config: Config) -> tuple[bytes, str]:
    """Return the key of sticky cookies, and what is to be said when it can't be kept."""
    if not any(proxy.sticky for proxy in config.proxies):
        return b"", ""
    try:
        return await trio.to_thread.run_sync(kept_key), ""
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        note = f"sticky sessions end with this run, since their key can't be kept ({why})"
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


@dataclass(frozen=True, slots=True)
class Usual:
    """The ports of a listener where nobody chose one."""

    setting: str
    first: int
    others: range


HTTP = Usual("`listen.http_port`", 80, range(8080, 8180))
HTTPS = Usual("`listen.https_port`", 443, range(8443, 8543))


def listen(host: str, usual: Usual, wanted: int | None) -> tuple[list[socket.socket], str]:
    """Open the listeners; also say why they aren't on the first port, where nobody chose one."""
    if wanted is not None:
        try:
            return open_listeners(host, wanted), ""
        except OSError as error:
            raise _no_port(host, wanted, error, usual.setting) from None
    why = ""
    for port in (usual.first, *usual.others):
        try:
            listeners = open_listeners(host, port)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                raise _no_port(host, port, error, usual.setting) from None
            why = why or _why_not(host, port, error)
        else:
            return listeners, f"listening on port {port}: {why}" if why else ""
    raise RpxError(
        f"no port from {usual.others.start} to {usual.others.stop - 1} is free",
        hint=f"set {usual.setting}; 0 takes any free one",
    )


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return str(taken("the usual one", Address(host, port), project_with).problems[0].what)
    return f"port {port} {needs_permission()}"


def _no_port(host: str, port: int, error: OSError, setting: str = "`listen.http_port`") -> RpxError:
    if error.errno == errno.EADDRINUSE:
        return taken(setting, Address(host, port), project_with)
    if error.errno in (errno.EACCES, errno.EPERM):
        return RpxError(
            f"port {port} is not permitted",
            hint=f"set {setting} to 0 for any free one, or {how_to_permit(port)}",
        )
    return RpxError(
        f"can't listen on {host}, port {port}: {error.strerror}",
        hint="`listen.host` is an address of this machine; `localhost` is 127.0.0.1 and ::1",
    )
