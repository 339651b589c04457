"""A real server on real sockets, with backends whose states are in the test's hand."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import chain, repeat
from pathlib import Path

import trio

from rpx.hub.endpoint import Endpoint, Pool
from rpx.hub.patience import Patience
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location, SocketFile
from rpx.model.config import HealthCheck, Https, PoolSpec, Start, Sticky, Strategy
from rpx.model.own_settings import Limits, Timeouts
from rpx.model.ports import Ports
from rpx.policy.lifecycle import Move
from rpx.policy.sites import SiteSpec
from rpx.proxy.contexts import Contexts
from rpx.proxy.inlet import Inlet
from rpx.proxy.listener import Server, WayIn, open_listeners
from rpx.proxy.settings import Settings
from rpx.proxy.shared import SharedState
from tests.support.origin import Origin
from tests.support.raw import SOON, Raw, background, connect
from tests.support.specs import backend_spec
from tests.support.tls import Sealed

HOST = "api.localhost"


def get(path: str = "/", *fields: str, method: str = "GET", body: str = "") -> bytes:
    """Return a request; with a body it has a Content-Length."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}", *fields]
    if body or method in {"POST", "PUT"}:
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def post(path: str = "/", body: str = "hello", *fields: str) -> bytes:
    """Return a POST with its body."""
    return get(path, *fields, method="POST", body=body)


def put(body: bytes, method: str = "PUT") -> bytes:
    """Return the head of a request with that body."""
    return get("/", f"Content-Length: {len(body)}", method=method).replace(
        b"Content-Length: 0\r\n", b"", 1
    )


class House:
    """A running server, its registry, and what has gone wrong by a bug of ours."""

    def __init__(
        self,
        registry: Registry,
        *,
        verbose: bool,
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
        contexts: Contexts | None = None,
        trusted: Sequence[str] = (),
    ) -> None:
        self.bugs: list[ExceptionGroup[Exception]] = []
        self.registry = registry
        self.shared = SharedState(
            registry,
            self.bugs.append,
            settings=Settings.of(verbose=verbose, timeouts=timeouts, limits=limits),
            contexts=contexts,
            trusted=trusted,
        )
        self.server = Server(self.shared)
        self.patience = Patience()
        self.besides: WayIn | None = None
        self.done = trio.Event()
        self._stop = trio.Event()
        self.listeners = open_listeners("127.0.0.1", 0)
        self.port: int = self.listeners[0].getsockname()[1]
        self.tls = open_listeners("127.0.0.1", 0) if contexts else []
        self.tls_port: int = self.tls[0].getsockname()[1] if contexts else 0
        registry.ports = Ports(self.port, self.tls_port)
        self.inlets: dict[str, Inlet] = {}
        self._clients: list[Raw] = []

    @property
    def backends(self) -> list[Endpoint]:
        there = self.registry.backends.values()
        return [backend.endpoint for backend in there if backend.endpoint is not None]

    @property
    def pool(self) -> Pool:
        return self.registry.pools[HOST]

    async def run(self) -> None:
        """Serve until `stop`."""
        await self.server.run(
            self.listeners,
            self._stop.wait,
            self.patience,
            tls=self.tls,
            inlets=self.inlets,
            besides=self.besides,
        )
        self.done.set()

    @property
    def drains(self) -> bool:
        """It has told its clients that it goes down, which it does once it listens no more."""
        return self.shared.draining and all(each.fileno() < 0 for each in self.listeners)

    def stop(self) -> None:
        """Ask the server to go down."""
        self._stop.set()

    async def client(self, *, window: int = 0) -> Raw:
        """Connect to the server."""
        raw = await connect(self.port, window=window)
        self._clients.append(raw)
        return raw

    async def tls_client(self, context: ssl.SSLContext, host: str | None = HOST) -> Raw:
        """Connect with TLS. Raises ssl.SSLError when the handshake fails."""
        plain = await self.tls_port_client()
        sealed = Sealed(plain.sock, context, server_side=False, host=host)
        try:
            await sealed.stream.do_handshake()
        except trio.BrokenResourceError as error:
            raise error.__cause__ or error from None
        raw = Raw(sealed)
        self._clients.append(raw)
        return raw

    async def tls_port_client(self) -> Raw:
        """Connect to the TLS port, and say nothing yet."""
        raw = await connect(self.tls_port)
        self._clients.append(raw)
        return raw

    def up(self, backend: Endpoint) -> None:
        """Bring a backend into rotation."""
        if backend.process is not None:
            self.registry.move(backend.process, Move.LAUNCH)
        self.registry.judge(backend, Move.PROBE_UP)

    def out(self, backend: Endpoint) -> None:
        """Take a backend out of rotation, as a request does that finds nobody there."""
        self.registry.connect_failed(backend, "connection refused")

    async def idle(self) -> None:
        """Wait until no request is under way."""
        await until(lambda: not any(b.in_flight for b in self.backends), "a request is under way")

    def leave(self) -> None:
        """Close the clients that tests have left open."""
        for raw in self._clients:
            raw.close()


async def until(true: Callable[[], object], what: str, seconds: float = SOON) -> None:
    """Let the others run until something is true."""
    with trio.move_on_after(seconds) as wait:
        while not true():  # noqa: ASYNC110 - nothing tells when a count changes
            await trio.sleep(0.002)
    assert not wait.cancelled_caught, f"after {seconds} s still: {what}"


@asynccontextmanager
async def running(
    *places: Origin | int | Location,
    hold: float = 10.0,
    ours: bool = False,
    up: bool = True,
    verbose: bool = False,
    name: str = "127.0.0.1",
    timeouts: Timeouts | None = None,
    limits: Limits | None = None,
    weights: Sequence[int] = (),
    strategy: Strategy = "round-robin",
    sticky: Sticky | None = None,
    check: HealthCheck | None = None,
    https: Https | None = None,
    contexts: Contexts | None = None,
    trusted: Sequence[str] = (),
    besides: WayIn | None = None,
    site: SiteSpec | None = None,
) -> AsyncIterator[House]:
    """Serve a host with these origins (ports, addresses) as its backends, in rotation if `up`.

    `ours`: backends that rpx has started, which may come back. `weights` are 1 if not given.
    `site`: what the host leads to, if it isn't just them. Afterwards nothing may be left: no bug
    reported, nothing in flight, no connection.
    """
    start = Start(command="true", cwd=Path("/")) if ours else None
    shares = chain(weights, repeat(1))
    specs = [
        backend_spec(
            "api",
            number,
            _location(place, name),
            start,
            health_check=check,
            host=HOST,
            weight=weight,
        )
        for number, (place, weight) in enumerate(zip(places, shares, strict=False), 1)
    ]
    pool = PoolSpec(hold=hold, strategy=strategy, sticky=sticky, https=https)
    registry = Registry(
        specs,
        {HOST: pool},
        {HOST: site} if site is not None else None,
        clock=trio.current_time,
        ports=Ports(),
        key=b"key",
    )
    house = House(
        registry,
        verbose=verbose,
        timeouts=timeouts,
        limits=limits,
        contexts=contexts,
        trusted=trusted,
    )
    house.besides = besides
    async with serving(house, up=up):
        yield house


@asynccontextmanager
async def serving(house: House, *, up: bool = True) -> AsyncIterator[House]:
    """Serve, with every backend in rotation if `up`; afterwards nothing may be left."""
    if up:
        for backend in house.backends:
            house.up(backend)
    async with background() as nursery:
        nursery.start_soon(house.run)
        try:
            yield house
        finally:
            house.leave()
        house.stop()
        with trio.move_on_after(SOON) as patience:
            await house.done.wait()
        nursery.cancel_scope.cancel()
    assert not house.bugs, house.bugs
    assert not patience.cancelled_caught, "the server does not go down"
    assert [(b.in_flight, b.lasting) for b in house.backends] == [(0, 0)] * len(house.backends)
    assert not house.shared.sweeper.connections
    assert not house.shared.hangups._told


def _location(place: Origin | int | Location, name: str) -> Location:
    if isinstance(place, Address | SocketFile):
        return place
    if isinstance(place, Origin) and place.path:
        return SocketFile(place.path, place.path)
    return Address(name, place if isinstance(place, int) else place.port)
