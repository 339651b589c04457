"""Commands that are run beside a service, in its folder and environment, and are soon over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import trio

from rpx.backend.child import open_child
from rpx.backend.child_output import pump
from rpx.backend.probe import NO_END
from rpx.errors import brief
from rpx.hub.patience import Patience
from rpx.model.config import Start
from rpx.model.escapes import on_a_terminal
from rpx.policy.restarts import ending


class Aside(Protocol):
    """Runs commands where a service is: for a process of this machine that is a SideCommand."""

    async def run(
        self, command: str | tuple[str, ...], *, within: float, **more: str
    ) -> str | None:
        """Run `command`, with `more` variables; None if it succeeds within so many seconds.

        Else why it did not, with the last line that it printed. Nothing of it is left behind.
        """


@dataclass(frozen=True, slots=True)
class SideCommand:
    """How to run commands beside one service. `instance` is theirs alone: of whoever has it too,
    nothing is left when a command has ended.
    """

    start: Start
    environment: Mapping[str, str]
    instance: str

    async def run(
        self, command: str | tuple[str, ...], *, within: float, **more: str
    ) -> str | None:
        """As `Aside` says, in the folder of the service, with its environment."""
        process = Start(
            command=command,
            cwd=self.start.cwd,
            stdin="null",
            stop_grace_period=0,
            user=self.start.user if self.start.container is None else None,
        )
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
            return f"{NO_END} {within:g} s"
        if code == 0:
            return None
        said = brief(on_a_terminal(last[0], colour=False).decode("utf-8", "replace"))
        return f"{ending(code)}: {said}" if said else ending(code)


def _keep(last: list[bytes], text: bytes) -> None:
    """Keep the last line that isn't empty."""
    if text.strip():
        last[0] = text.strip().rsplit(b"\n", 1)[-1]
