"""Puts what happens into words, once, for all who show or keep them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import trio

from rpx.cli.observers.sentences import KEYS, Teller, stopping, waiting
from rpx.errors import visible
from rpx.hub.error_boundary import contain_errors
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Event, Routed

TICK = 1.0  # seconds between two reports on who is being waited for
TOGETHER = 0.05  # seconds in which lines about requests are collected
MANY = 1000  # of them are not kept waiting
Report = Callable[[ExceptionGroup[Exception]], None]


class Narrator:
    """An `Observer`, and a sink of events. What it says is output with rpx's own label.

    It speaks in the instant of an event, not in a task of its own: what a backend prints next must
    come after the news, for everybody. Only lines about requests wait a moment for each other:
    words cost more than a request has time for.
    """

    def __init__(self, report: Report, rpx: str | None = "rpx", hurry: str = KEYS) -> None:
        """`rpx` begins the commands for this project, as in Teller; `hurry` ends it sooner."""
        self._report = report
        self._rpx = rpx
        self._hurry = hurry
        self._requests: list[Routed] = []
        self._came = trio.Event()

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        self._registry = registry
        self._teller = Teller(registry, self._rpx)
        self._say(self._teller.overview())
        with registry.events.feed(self):
            task_status.started()
            await contain_errors(self._report, self._run, shutdown)

    async def _run(self, shutdown: Shutdown) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(goodbye, self._registry, shutdown, self._hurry)
            while True:
                await self._came.wait()
                self._came = trio.Event()
                await trio.sleep(TOGETHER)
                self._tell_of_requests()

    def put(self, event: Event) -> None:
        """Tell of one event. A bug in the words is not one of whom they are about."""
        if isinstance(event, Routed):
            self._requests.append(event)
            if len(self._requests) == 1:
                self._came.set()
            elif len(self._requests) == MANY:
                self._tell_of_requests()
            return
        try:
            self._tell_of_requests()
            self._say(self._teller.tell(event))
        except Exception as bug:  # noqa: BLE001 - the error boundary of this observer
            self._report(ExceptionGroup("a sentence went wrong", [bug]))

    def _tell_of_requests(self) -> None:
        told, self._requests = self._requests, []
        self._say(map(str, told))

    def _say(self, sentences: Iterable[str]) -> None:
        text = visible("".join(f"{sentence}\n" for sentence in sentences))
        if text:
            self._registry.tell(text.encode("utf-8", "surrogateescape"))


async def goodbye(registry: Registry, shutdown: Shutdown, hurry: str = KEYS) -> None:
    """Once the end was asked for: say each second who is still being waited for."""
    await shutdown.wait()
    registry.say(stopping(registry, hurry))
    while True:
        await trio.sleep(TICK)
        now, lost = registry.steady(), shutdown.patience.lost
        for text in waiting(registry, now, hurried=lost, hurry=hurry):
            registry.say(text)
