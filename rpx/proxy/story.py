"""What a story says to the reactor that carries it, and what can be made of that."""

from __future__ import annotations

import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rpx.proxy.reactor import Reactor

Story = Coroutine[Any, Any, None]
Work = Callable[[], Awaitable[None]]


class _Trap:
    """What a story yields when it does not wait for a wire."""


HAND_OVER: Final = _Trap()  # to a trio task
TAKE_BACK: Final = _Trap()  # from it


class Task:
    """See Reactor.task. Inside of itself it changes nothing."""

    __slots__ = ("_away", "_reactor")

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._away = False

    async def __aenter__(self) -> None:
        if self._reactor.resuming:
            self._away = True
            await _yield(HAND_OVER)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        # What trio has cancelled ends as a task of trio.
        if self._away and (error is None or isinstance(error, Exception)):
            await _yield(TAKE_BACK)


class Beside:
    """A story that another one waits for in the end."""

    def __init__(self, reactor: Reactor, waiting: Story) -> None:
        self._reactor, self._waiting = reactor, waiting
        self._waits = self._over = False
        self._bug: Exception | None = None

    async def run(self, work: Work) -> None:
        try:
            await work()
        except Exception as bug:  # noqa: BLE001 - it belongs behind the wall of who waits
            self._bug = bug
        self._over = True
        if self._waits:
            self._reactor.resume_soon(self._waiting)

    async def end(self) -> None:
        if not self._over:
            self._waits = True
            await _yield(None)
        if self._bug is not None:
            raise self._bug


@types.coroutine
def _yield(trap: object) -> Generator[object, None, None]:
    yield trap
