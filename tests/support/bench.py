"""A life with everything fake but the life: children made of events, a story of what happened."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio
import trio.testing

from rpx.backend.life import ChildLike, Life, live
from rpx.hub.backend import Backend
from rpx.hub.endpoint import Endpoint
from rpx.hub.mailbox import Order, OrderKind
from rpx.hub.patience import Patience
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import Address, Location
from rpx.model.config import HealthCheck, PoolSpec, Restart, Start
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec
from rpx.model.status import StateChanged
from tests.support.specs import backend_spec

CHECK = HealthCheck(path="/health", interval=1.0, timeout=0.5)


def spec(
    port: int = 3000,
    *,
    check: HealthCheck | None = None,
    name: str = "api",
    host: str = "",
    restart: Restart | None = None,
    **settings: Any,  # noqa: ANN401 - see below
) -> BackendSpec:
    """Return the spec of a backend that rpx starts; `settings` are more of its Start."""
    base = {"command": "true", "cwd": Path("/"), "restart": restart or Restart()}
    start = Start.model_validate({**base, **settings})
    address = Address("localhost", port)
    return backend_spec(
        name, port - 2999, address, start, health_check=check, host=host or f"{name}.localhost"
    )


def external(port: int = 3000, *, check: HealthCheck | None = None) -> BackendSpec:
    """Return the spec of a backend that somebody else runs."""
    address = Address("localhost", port)
    return backend_spec("api", port - 2999, address, health_check=check, host="api.localhost")


def registry(
    *specs: BackendSpec,
    hold: float = 10.0,
    clock: Callable[[], float] = trio.current_time,
    steady: Callable[[], float] | None = None,
) -> Registry:
    """Return a registry with one pool for each host."""
    pools = {each.host: PoolSpec(hold=hold) for each in specs if each.host}
    return Registry(specs, pools, clock=clock, steady=steady, ports=Ports(8080))


def process_of(backend: Backend | Endpoint) -> Process:
    """Return the process behind a backend, which has one of ours."""
    assert backend.process is not None
    return backend.process


def endpoint_of(backend: Backend) -> Endpoint:
    """Return the address of a backend, which has one."""
    assert backend.endpoint is not None
    return backend.endpoint


def start_of(backend: Backend | Endpoint | Process) -> Start:
    """Return how rpx starts `backend`."""
    process = backend if isinstance(backend, Process) else process_of(backend)
    return process.spec.start


class FakeChild:
    """A process made of one event. `done` says what was done to it."""

    def __init__(self, pid: int, *, stubborn: bool = False) -> None:
        self.pid = pid
        self.done: list[str] = []
        self.remains: tuple[int, ...] = ()
        self.left: tuple[str, ...] = ()  # whom it leaves behind
        self._stubborn = stubborn
        self._exit = trio.Event()
        self._code = 0
        self._feed, self.output = trio.testing.memory_stream_one_way_pair()

    def die(self, code: int) -> None:
        """Exit, as if by itself."""
        if not self._exit.is_set():
            self._code = code
            self._feed.close()
            self._exit.set()

    async def say(self, text: bytes) -> None:
        """Print something."""
        await self._feed.send_all(text)

    async def wait(self) -> int:
        await self._exit.wait()
        return self._code

    async def stop(self) -> None:
        self.done.append("stop")
        if self._stubborn:
            await trio.sleep(10)
            self.done.append("SIGKILL")
        self.die(-15)

    async def see_off(self) -> tuple[str, ...]:
        if self.left:
            self.done.append("see off")
            await trio.sleep(3)
        return self.left

    async def sweep(self) -> None:
        await trio.lowlevel.checkpoint()
        self.done.append("sweep")

    async def strike(self, signum: int, at: Location | None) -> int:
        await trio.lowlevel.checkpoint()
        self.done.append(f"{signal.Signals(signum).name} to {at}")
        if signum == signal.SIGKILL:
            self.die(-9)
        return self.pid

    def kill(self) -> None:
        self.die(-9)


class Bench:
    """One backend with its life, and the story of its states as `<time> <state>`."""

    def __init__(
        self,
        *,
        check: HealthCheck | None = None,
        restart: Restart | None = None,
        stubborn: bool = False,
        shared: Registry | None = None,
        label: str = "api:3000",
        **start: Any,  # noqa: ANN401 - settings of a Start
    ) -> None:
        """`shared`: the life is that of `label` in a registry that exists already."""
        self.registry = shared or registry(spec(check=check, restart=restart, **start))
        self.backend = self.registry.backends[label]
        self.process = self.registry.process(label)
        self.children: list[FakeChild] = []
        self.failure: str | None = None  # what the next check says
        self.cannot_start: OSError | None = None
        self.sign = trio.Event()  # that it is ready, as it has to show first; set: nothing
        self.sign.set()
        self.patience = Patience()
        self._stubborn = stubborn
        self.life = Life(
            registry=self.registry,
            process=self.process,
            look=lambda: None,
            open=self._open,
            sign=lambda: self,
            check=self._check,
            patience=self.patience,
            chance=lambda: 0.5,  # no jitter
        )
        self._subscription = self.registry.events.subscribe(10_000)
        self._news = self._subscription.__enter__()  # lives as long as the bench

    @property
    def story(self) -> list[str]:
        """Return what has happened since the last look."""
        return [
            f"{event.at:g} {event.after.value}"
            for event in self._news.take()
            if isinstance(event, StateChanged) and event.label == self.backend.spec.label
        ]

    @property
    def endpoint(self) -> Endpoint:
        """Its address."""
        return endpoint_of(self.backend)

    @property
    def child(self) -> FakeChild:
        """Return the newest process."""
        return self.children[-1]

    def order(self, kind: OrderKind, **details: object) -> Order:
        """Put an order into the mailbox."""
        order = Order(kind, **details)  # type: ignore[arg-type]
        self.process.mailbox.give.send_nowait(order)
        return order

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[ChildLike]:
        await trio.lowlevel.checkpoint()
        if self.cannot_start is not None:
            raise self.cannot_start
        child = FakeChild(1000 + len(self.children), stubborn=self._stubborn)
        self.children.append(child)
        try:
            yield child
        finally:
            child.done.append("closed")

    def hear(self, text: bytes) -> None:
        """The bench is the sign of its runs, too."""

    async def begun(self) -> None:
        await trio.lowlevel.checkpoint()

    async def seen(self) -> None:
        await self.sign.wait()

    async def _check(self) -> str | None:
        await trio.lowlevel.checkpoint()
        return self.failure


async def begun(nursery: trio.Nursery, **details: Any) -> Bench:  # noqa: ANN401 - of Bench
    """A bench whose life has gone on for a second."""
    bench = Bench(**details)
    nursery.start_soon(live, bench.life)
    await trio.sleep(1)
    return bench
