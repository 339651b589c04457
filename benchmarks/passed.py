"""What it costs to remember requests: the Python path of one, over sockets that do nothing."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Coroutine
from pathlib import Path
from time import thread_time, time
from typing import Any

import trio

from benchmarks.lifetime import Figure
from benchmarks.processes import Failed
from benchmarks.rounds import Origins, Pace
from rpx.http.memory import ResponseMemory
from rpx.hub.registry import Registry
from rpx.model.address import Address
from rpx.model.config import PoolSpec
from rpx.model.own_settings import KeptRequests
from rpx.model.ports import Ports
from rpx.model.specs import BackendSpec, EndpointSpec
from rpx.policy.lifecycle import Move
from rpx.proxy.arrival import Arrival
from rpx.proxy.connection import Connection
from rpx.proxy.settings import Settings
from rpx.proxy.shared import SharedState

ASKED = (
    b"GET /small HTTP/1.1\r\nHost: api.localhost:8080\r\nUser-Agent: Mozilla/5.0 (X11; Linux;"
    b" rv:133.0) Gecko/20100101 Firefox/133.0\r\nAccept: text/html,application/xhtml+xml\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\r\n"
)
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 30 Nov 2026 12:00:00 GMT\r\nContent-Type:"
    b" application/json\r\nContent-Length: 57\r\n\r\n" + b"x" * 57
)

TURN = 1000  # requests in a row


class Idle:
    """Passes for a wire: it has what it is given to read, and takes whatever is sent."""

    def __init__(self, data: bytes, times: int) -> None:
        self._data = itertools.repeat(data, times)
        self.memory = ResponseMemory()
        self.deadline = 0.0
        self.reused = True
        self.plain = True
        self.seen = 0

    async def receive(self) -> bytes:
        """Return the same again, at last the end."""
        return next(self._data, b"")

    async def send(self, data: bytes) -> None:
        """Take it."""

    async def ask(self, head: bytes, body: object) -> None:
        """Likewise."""

    async def step(self) -> None:
        """Go on."""

    def take_leave(self) -> None:
        """Go."""

    close = take_leave


class Kept:
    """Passes for the connections to backends: there always is one."""

    def __init__(self, wire: Idle) -> None:
        self._wire = wire

    def at_hand(self, _backend: object, _now: float, **_: bool) -> Idle:
        """Return the one."""
        return self._wire

    def give_back(self, *_: object) -> None:
        """Keep it."""


class Requests:
    """The path of requests, with a ring or without."""

    def __init__(self, registry: Registry, *, keep: int) -> None:
        registry.requests.become(KeptRequests(keep=keep))
        self._shared = SharedState(registry, print, settings=Settings.of())

    def micro(self, times: int) -> float:
        """CPU µs for one of so many requests of one client."""
        client, backend = Idle(ASKED, times), Idle(ANSWER, times)
        shared: Any = self._shared
        shared.upstreams = Kept(backend)
        wire: Any = client
        story: Coroutine[Any, Any, None] = Connection(shared, wire, Arrival("127.0.0.1")).serve()
        began = thread_time()
        try:
            story.send(None)
        except StopIteration:
            return (thread_time() - began) / times * 1e6
        raise Failed("a wire that does nothing was waited for")


def _registry() -> Registry:
    spec = EndpointSpec("api", 1, Address("127.0.0.1", 3000), host="api.localhost")
    pools = {"api.localhost": PoolSpec()}
    registry = Registry([BackendSpec(spec, None)], pools, clock=time, ports=Ports())
    endpoint = registry.endpoint(spec.label)
    registry.judge(endpoint, Move.PROBE_UP)
    return registry


def kept(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """µs of a request while the last 2,000 are kept, more than while none are; turn by turn."""
    del origins, folder
    return trio.run(_measured, max(20, round(pace.seconds * 100)))


async def _measured(turns: int) -> list[Figure]:
    off, on = Requests(_registry(), keep=0), Requests(_registry(), keep=2000)
    pairs = [(off.micro(TURN), on.micro(TURN)) for _ in range(turns)][2:]
    without, kept_ = min(each[0] for each in pairs), min(each[1] for each in pairs)
    more = statistics.median(b - a for a, b in pairs)
    ratio = statistics.median(b / a for a, b in pairs)
    note = f"µs: {without:.2f} → {kept_:.2f}; median ratio {ratio:.3f}"
    return [
        Figure("kept", "a request, the last 2,000 of which are kept: more", more, 1, "µs", note)
    ]


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {"kept": kept}
