"""The form of everything that looks at a running project."""

from __future__ import annotations

from typing import Protocol

import trio

from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown


class Observer(Protocol):
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
