"""Tells the machine's door how a project is, for its page and `rpx projects`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import trio

from rpx.hub.registry import Registry
from rpx.hub.shutdown import Shutdown
from rpx.model.status import Snapshot, State

if TYPE_CHECKING:
    from rpx.door.messages import ServiceState, StateOfMember

OFTEN: Final = 0.1  # seconds between two words
_COMING: Final = frozenset(state.value for state in (State.WAITING, State.STARTING, State.BACKOFF))
_FAILING: Final = frozenset((State.FAILED.value, State.UNHEALTHY.value))


class KnownState:
    """An `Observer`."""

    def __init__(self, tell: Callable[[StateOfMember], None]) -> None:
        self._tell = tell

    async def __call__(
        self,
        registry: Registry,
        shutdown: Shutdown,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        task_status.started()
        told = None
        while True:
            looked, changed = trio.current_time(), registry.changed
            state = state_of(registry, stopping=shutdown.asked)
            if state != told:
                self._tell(state)
                told = state
            await changed.wait()
            await trio.sleep_until(looked + OFTEN)  # at once, if nothing has changed for long


def state_of(registry: Registry, *, stopping: bool) -> StateOfMember:
    """Return a word for the whole, and a line for each service: of its first copy that answers."""
    services = list(_services(registry))
    states = {each["state"] for each in services}
    word = State.READY.value
    if stopping:
        word = "stopping"
    elif states & _FAILING:
        word = "failing"
    elif states & _COMING:
        word = "starting"
    elif states == {State.STOPPED.value}:
        word = "stopped"
    return {"state": word, "services": services}


def _services(registry: Registry) -> Iterator[ServiceState]:
    rows: dict[tuple[str, str], list[tuple[Snapshot, str]]] = {}
    for row, backend in zip(registry.snapshot(), registry.backends.values(), strict=True):
        # The first of all lives has not begun when a project joins, which is no rest.
        coming = backend.process is not None and backend.process.about_to_start
        state = State.STARTING if coming else row.state
        for url in (row.url or "", *row.other_urls):
            rows.setdefault((row.name, url), []).append((row, state.value))
    for (name, url), copies in rows.items():
        _, best = next((each for each in copies if each[0].in_rotation), copies[0])
        yield {"name": name, "url": "" if "*" in url else url, "state": best}
