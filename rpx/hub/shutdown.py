"""The wish to end: asked once, rpx goes politely; asked twice, it takes the same steps at once."""

from __future__ import annotations

import trio

from rpx.hub.patience import Patience


class Shutdown:
    """Whoever wants rpx to end calls `request`. `exit_code` is that of the first request."""

    def __init__(self) -> None:
        self.patience = Patience()
        self.exit_code = 0
        self._asked = trio.Event()

    @property
    def asked(self) -> bool:
        """Somebody wants rpx to end."""
        return self._asked.is_set()

    def request(self, exit_code: int = 0) -> None:
        """End politely; called again: end now."""
        if self._asked.is_set():
            self.patience.lose()
        else:
            self.exit_code = exit_code
            self._asked.set()

    async def wait(self) -> None:
        """Return once somebody has asked."""
        await self._asked.wait()
