"""What a reactor knows: coroutines, the sockets that they wait for, and what they yield to it."""

from __future__ import annotations

import socket
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any, Final

Coro = Coroutine[Any, Any, None]
Work = Callable[[], Awaitable[None]]


class Polled:
    """A socket as the reactor sees it: who waits for it, and what came when nobody did.

    `reader` and `writer` wait for it. `may_read`: something came while there was no reader;
    `ended`: no more will. `registered`: in which turn of the reactor it was, 0 if it is not yet.
    `moment`: when its reader stops waiting (see Reactor.readable_soon), 0 if it doesn't.
    `known_to_trio`: a trio task has waited for it, or does, and is to hear when it is closed.
    """

    __slots__ = (
        "ended",
        "known_to_trio",
        "may_read",
        "moment",
        "reader",
        "registered",
        "sock",
        "writer",
    )

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.reader: Coro | None = None
        self.writer: Coro | None = None
        self.may_read = self.ended = self.known_to_trio = False
        self.registered = 0
        self.moment = 0.0


class Trap:
    """What a coroutine yields when it does not wait for a socket."""


HAND_OVER: Final = Trap()  # to a trio task
TAKE_BACK: Final = Trap()  # from it


@types.coroutine
def yield_trap(trap: Trap | None) -> Generator[Trap | None, None, None]:
    """Yield to whoever carries this coroutine. None: until another one has it resumed."""
    yield trap


class Beside:
    """A coroutine that another one waits for in the end."""

    def __init__(self, resume_soon: Callable[[Coro], None], waiting: Coro) -> None:
        self._resume_soon, self._waiting = resume_soon, waiting
        self._waits = self._over = False
        self._bug: Exception | None = None

    async def run(self, work: Work) -> None:
        """Do it. What goes wrong is kept for `end`."""
        try:
            await work()
        except Exception as bug:  # noqa: BLE001 - it is raised where somebody waits for it
            self._bug = bug
        self._over = True
        if self._waits:
            self._resume_soon(self._waiting)

    async def end(self) -> None:
        """Wait until it is over. Raises: what it has raised."""
        if not self._over:
            self._waits = True
            await yield_trap(None)
        if self._bug is not None:
            raise self._bug
