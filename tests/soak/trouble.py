"""What happens to the backends meanwhile: one trouble every few seconds."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from tests.soak.ledger import Kill, Ledger
from tests.soak.running import Running

RESTS = (1.0, 3.5)  # seconds between two troubles, from and to


class Trouble:
    """One trouble after the other, until `stop`; each is over before the next begins."""

    def __init__(self, running: Running, ledger: Ledger, seed: int) -> None:
        self.running = running
        self.ledger = ledger
        self.stop = False
        self._chance = random.Random(seed)

    async def run(self) -> None:
        """Make trouble."""
        kinds: list[tuple[str, int, Callable[[], Awaitable[None]]]] = [
            ("kill -9", 5, self._kill_one),
            ("kill -9 of all", 1, self._kill_all),
            ("rpx kill-backend", 3, self._kill_backend),
            ("rpx restart api", 1, self._restart_all),
            ("rpx restart of one", 2, self._restart_one),
            ("rpx stop and start", 2, self._stop_start),
        ]
        while not self.stop:
            await trio.sleep(self._chance.uniform(*RESTS))
            [(name, _, work)] = self._chance.choices(kinds, [weight for _, weight, _ in kinds])
            self.ledger.orders[name] += 1
            await work()

    async def _pids(self) -> dict[str, int]:
        return {row["label"]: row["pid"] for row in await self.running.ps() if row["pid"]}

    async def _kill_one(self) -> None:
        pids = list((await self._pids()).values())
        if pids:
            self._kill(self._chance.choice(pids))

    async def _kill_all(self) -> None:
        for pid in (await self._pids()).values():
            self._kill(pid)

    def _kill(self, pid: int) -> None:
        began = trio.current_time()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.ledger.kills.append(Kill(pid, began, trio.current_time(), hard=True, how="kill -9"))

    async def _kill_backend(self) -> None:
        port = str(self._chance.choice(self.running.ports))
        more = self._chance.choice([(), (), ("--down-for", "1s")])
        rows = await self._order("kill-backend", port, *more, refused=True)
        for row in rows:
            self._gone(row["pid"], row["began"], hard=True, how="kill-backend")

    async def _restart_all(self) -> None:
        await self._restart("api")

    async def _restart_one(self) -> None:
        await self._restart(str(self._chance.choice(self.running.ports)))

    async def _restart(self, name: str) -> None:
        for row in await self._order("restart", name):
            self._gone(row["pid_before"], row["began"], hard=False, how="restart")

    async def _stop_start(self) -> None:
        port = str(self._chance.choice(self.running.ports))
        for row in await self._order("stop", port):
            self._gone(row["pid_before"], row["began"], hard=False, how="stop")
        await trio.sleep(self._chance.uniform(0.2, 3))
        await self._order("start", port)

    def _gone(self, pid: int | None, began: float, *, hard: bool, how: str) -> None:
        if pid is not None:
            self.ledger.kills.append(Kill(pid, began, trio.current_time(), hard=hard, how=how))

    async def _order(self, *words: str, refused: bool = False) -> list[dict[str, Any]]:
        """Give an order as a user does. `refused`: it may be, with 1 (there is no process)."""
        began = trio.current_time()
        done: subprocess.CompletedProcess[bytes] = await self.running.rpx(*words, "--json")
        if done.returncode and not (refused and done.returncode == 1):
            said = (done.stdout + done.stderr).decode(errors="replace")
            self.ledger.failed_orders.append(f"rpx {' '.join(words)}: {done.returncode}: {said}")
        try:
            rows = json.loads(done.stdout)
        except ValueError:
            return []
        rows = rows if isinstance(rows, list) else [rows]
        return [{**row, "began": began} for row in rows if "label" in row]
