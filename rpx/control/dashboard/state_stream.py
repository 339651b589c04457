"""What an open dashboard is told: how all is, when that has changed, four times a second at most.

One stream of server-sent events (HTML, "Server-sent events"): `ps` and `stats` are as `rpx ps
--json` and `rpx stats --json` have them, `end` is the project's. What nobody looks at is not
computed.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rpx.hub.shutdown import Shutdown

PACE: Final = 0.25  # seconds between two looks
ALIVE: Final = 15.0  # seconds of silence after which a comment shows that all is well

Look = Callable[[], Awaitable[dict[str, Any]]]


class StateStream(Response):
    """The stream, until its reader leaves or the project ends."""

    media_type = "text/event-stream"

    def __init__(self, look: Look, shutdown: Shutdown) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._look = look
        self._shutdown = shutdown

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send what has changed."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        before: dict[str, str] = {}
        silent_since = trio.current_time()
        while not self._shutdown.asked:
            parts = {name: json.dumps(part) for name, part in (await self._look()).items()}
            changed = [name for name, text in parts.items() if before.get(name) != text]
            now = trio.current_time()
            if changed or now - silent_since >= ALIVE:
                body = "".join(f"event: {name}\ndata: {parts[name]}\n\n" for name in changed)
                body = body or ": still here\n\n"
                await send({"type": "http.response.body", "body": body.encode(), "more_body": True})
                silent_since = now
            before = parts
            with trio.move_on_after(PACE):
                await self._shutdown.wait()
        await send({"type": "http.response.body", "body": b"event: end\ndata: {}\n\n"})
