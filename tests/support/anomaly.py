"""Cancel a scenario at a step of its own choosing. The idea is SQLite's anomaly tests."""

from __future__ import annotations

import trio


class CancelAtStep(trio.abc.Instrument):
    """Cancels `scope` before the n-th step that any task takes; `left` says how far it came."""

    def __init__(self, scope: trio.CancelScope, step: int) -> None:
        self.scope, self.left = scope, step

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self.left -= 1
        if self.left == 0:
            self.scope.cancel(reason="the scenario is cancelled at this step")
