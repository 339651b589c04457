"""What happens in a project, as an iterator for the program that it runs in."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import trio

from rpx.hub.bus import Bus
from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Event


@dataclass(frozen=True, slots=True)
class Missed:
    """So many events were dropped, oldest first, because the loop over them was slow."""

    count: int


async def end_events(
    registry: Registry,
    shutdown: Shutdown,  # noqa: ARG001 - an observer gets it
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """End every loop over events once nothing more can happen. An observer: those end at last."""
    task_status.started()
    try:
        await trio.sleep_forever()
    finally:
        registry.events.end()


class Events:
    """Iterate with `async for`; it ends when the project does.

    It listens from the moment it is made until it is closed, left as a `with` block, or forgotten.
    """

    def __init__(self, bus: Bus[Event], depth: int) -> None:
        self._stack = ExitStack()
        self._news = self._stack.enter_context(bus.subscribe(depth))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event | Missed:
        if missed := self._news.take_missed():
            await trio.lowlevel.checkpoint()
            return Missed(missed)
        return await anext(self._news)

    def close(self) -> None:
        """Listen no more."""
        self._stack.close()
        self._news.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
