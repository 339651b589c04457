"""Commands that are run beside a service, in its folder and environment, and are soon over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import trio

from rpx.backend.child import open_child
from rpx.backend.child_output import pump
from rpx.errors import brief
from rpx.hub.patience import Patience
from rpx.model.config import Start
from rpx.model.escapes import on_a_terminal
from rpx.policy.restarts import ending


@dataclass(frozen=True, slots=True)
class SideCommand:
    """How to run commands beside one service. `instance` must differ from that of the service."""

    start: Start
    environment: Mapping[str, str]
    instance: str

    async def run(
        self, command: str | tuple[str, ...], *, within: float, **more: str
    ) -> str | None:
        """Run `command`, with `more` variables; None if it succeeds within so many seconds.

        Else why it did not, with the last line that it printed. Nothing of it is left behind.
        """
        process = Start(command=command, cwd=self.start.cwd, stdin="null", stop_grace_period=0)
        last = [b""]
        code = 0
        with trio.move_on_after(within) as limit:
            try:
                async with (
                    open_child(
                        process,
                        {**self.environment, **more},
                        instance=self.instance,
                        patience=Patience(),
                    ) as child,
                    trio.open_nursery() as readers,
                ):
                    readers.start_soon(pump, child.output, lambda text: _keep(last, text))
                    code = await child.wait()
                    await child.sweep()
            except OSError as error:
                return f"cannot run: {error}"
        if limit.cancelled_caught:
            return f"no end within {within:g} s"
        if code == 0:
            return None
        said = brief(on_a_terminal(last[0], colour=False).decode("utf-8", "replace"))
        return f"{ending(code)}: {said}" if said else ending(code)


def _keep(last: list[bytes], text: bytes) -> None:
    """Keep the last line that isn't empty."""
    if text.strip():
        last[0] = text.strip().rsplit(b"\n", 1)[-1]
