"""A steady load, open loop: request k is due at k / rate, whatever became of those before it.

Its time counts from when it was due. A client that waits for each answer before it asks again
sends nothing while the service hangs, and so measures nothing there (coordinated omission).
"""

from __future__ import annotations

from typing import Final

import trio

from rpx.drill.grpc_connection import GrpcConnection
from rpx.drill.http_client import HttpConnection, NoAnswer, Target
from rpx.drill.report import Shot

PATIENCE: Final = 30.0  # seconds for an answer: longer than rpx holds a request by default
MOST: Final = 1000  # requests under way: beyond it one has failed, there is no end of waiting


class Load:
    """Sends requests and remembers what became of each, in `shots`; times are from `began` on."""

    def __init__(self, target: Target, rate: float, duration: float) -> None:
        """`rate` is requests a second for `duration` seconds."""
        self._target = target
        self._open = HttpConnection.open if target.grpc is None else GrpcConnection.open
        self._rate = rate
        self._count = round(rate * duration)
        self._idle: list[HttpConnection | GrpcConnection] = []
        self.under_way = 0
        self.shots: list[Shot] = []
        self.late = 0.0  # by how much the machine let us send too late, at worst
        self.began = 0.0  # on trio's clock

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Send all of them, and return when the last one has its answer or has failed."""
        self.began = trio.current_time()
        task_status.started()
        try:
            async with trio.open_nursery() as requests:
                for number in range(self._count):
                    due = self.began + number / self._rate
                    await trio.sleep_until(due)
                    self.late = max(self.late, trio.current_time() - due)
                    if self.under_way < MOST:
                        requests.start_soon(self._send, due)
                    else:
                        self._note(due, None, f"not sent, {MOST} are under way")
        finally:
            for connection in self._idle:
                connection.close()

    async def _send(self, due: float) -> None:
        self.under_way += 1  # for good, where the load is cut short
        status, failure = None, ""
        try:
            with trio.move_on_at(due + PATIENCE) as patience:
                status = await self._ask()
            if patience.cancelled_caught:
                failure = f"no answer within {PATIENCE:g} s"
        except NoAnswer as error:
            failure = str(error)
        self.under_way -= 1
        self._note(due, status, failure)

    async def _ask(self) -> int:
        connection = self._idle.pop() if self._idle else await self._open(self._target)
        try:
            return await connection.ask(self._target)
        finally:
            if connection.reusable:
                self._idle.append(connection)
            else:
                connection.close()

    def _note(self, due: float, status: int | None, failure: str) -> None:
        took = trio.current_time() - due
        self.shots.append(Shot(due - self.began, took, status, failure))
