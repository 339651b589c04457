"""The stream of an open dashboard: what the gathering tells it, until it leaves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rpx.control.dashboard.gathering import StateReader
from rpx.control.streams import until_left
from rpx.hub.shutdown import Shutdown

ALIVE: Final = 15.0  # seconds of silence after which a comment shows that all is well


class StateStream(Response):
    """Sends server-sent events until its reader leaves or the project ends, which is `end`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        reader: StateReader,
        shutdown: Shutdown,
        meanwhile: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`meanwhile` holds while somebody reads."""
        super().__init__()
        del self.headers["content-length"]
        self._reader = reader
        self._shutdown = shutdown
        self._meanwhile = meanwhile
        self._wait = trio.CancelScope()

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send what has changed."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        with self._meanwhile():
            await self._tell(receive, send)

    async def _tell(self, receive: Receive, send: Send) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_left, receive, nursery.cancel_scope)
            nursery.start_soon(self._hasten)
            while not self._shutdown.asked:
                told = ": still here\n\n"
                with trio.move_on_after(ALIVE) as self._wait:
                    told = await self._reader.next()
                body = {"type": "http.response.body", "body": told.encode(), "more_body": True}
                await send(body)
            await send({"type": "http.response.body", "body": b"event: end\ndata: {}\n\n"})
            nursery.cancel_scope.cancel(reason="the project ends")

    async def _hasten(self) -> None:
        """Wait for nothing any more once the project ends; what is being sent is sent."""
        await self._shutdown.wait()
        self._wait.cancel()
