"""The rpx under test: started in a scratch folder, looked at from outside and inside, ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import trio

from rpx.proxy.splice import SPARE
from tests.soak.traffic import HOST
from tests.support.project import RPX, Project, free_ports

COPIES = 3
LAST_SEEN = 2  # objects of a kind that stay: who accepts and who watches still names the last one
# The budget of restarts is not what is looked at here: a backend that dies all the time comes back.
CONFIG = """\
name: soak
listen: {host: 127.0.0.1, http_port: HTTP_PORT}
proxies:
  - to: SOAK_HOST
    name: api
    from: [BACKENDS]
    start:
      command: ["PYTHON", -m, tests.soak.backend]
      env: {SOAK_LOG: "LOG_FILE"}
      restart: {policy: always, max_restarts: 100000, backoff: {initial: 50ms, max: 500ms}}
    health_check: {path: /health, interval: 1s, timeout: 5s}
"""
WATCHED = (sys.executable, "-m", "tests.soak.watched")
_TOLD = "told.json"


@dataclass
class Level:
    """What rpx holds when nobody wants anything of it."""

    descriptors: Counter[str] = field(default_factory=Counter)
    tcp: int = 0
    megabytes: float = 0.0
    tasks: Counter[str] = field(default_factory=Counter)
    objects: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def more_than(self, before: Level) -> tuple[Counter[str], Counter[str]]:
        """The descriptors and the tasks that there are more of, if any."""
        kept = Counter({"pipe": 2 * SPARE})  # for the next large bodies
        descriptors = self.descriptors - (before.descriptors + kept)
        tasks = self.tasks - before.tasks
        return descriptors, tasks

    @property
    def busy(self) -> bool:
        """Whether it still holds something for somebody."""
        most = max(self.objects.values(), default=0)
        return bool(self.tcp) or most > LAST_SEEN or any(self.held.values())


class Running:
    """A running `rpx up`."""

    def __init__(self, folder: Path) -> None:
        self.project = Project(folder)
        self.port = self.project.http_port
        self.ports = free_ports(COPIES)
        self.log = folder / "backends.log"
        self.exit_code: int | None = None
        self.left_behind: list[str] = []
        self._told = folder / _TOLD
        self._supervisor = psutil.Process()  # until it is started: ourselves
        self._sockets: list[Path] = []

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Start it and wait until all copies are ready; at the end, end all of it."""
        self.project.write(
            CONFIG,
            BACKENDS=", ".join(f"127.0.0.1:{port}" for port in self.ports),
            LOG_FILE=str(self.log),
            SOAK_HOST=HOST,
        )
        environment = {**self.project.environment, "SOAK_TOLD": str(self._told)}
        with self.project.output.open("wb") as output:
            process = subprocess.Popen(  # noqa: ASYNC220 - a moment, before anything else runs
                (*WATCHED, "up"),
                cwd=self.project.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            await self._ready(process)
            yield
        finally:
            with trio.CancelScope(shield=True):
                await self._end(process)

    async def _ready(self, process: subprocess.Popen[bytes]) -> None:
        with trio.fail_after(30):
            while not (found := list((self.project.folder / "run").glob("**/control.sock"))):
                if process.poll() is not None:
                    raise RuntimeError(f"rpx up has ended:\n{self.project.said()}")
                await trio.sleep(0.05)
        self._sockets = found
        await self.all_ready()
        children = psutil.Process(process.pid).children()
        self._supervisor = next(c for c in children if "tests.soak.watched" in c.cmdline())

    async def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Ctrl-C, as a user does; then nothing may be left."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        with trio.move_on_after(30):
            while process.poll() is None:  # noqa: ASYNC110 - an exit of a Popen tells nobody
                await trio.sleep(0.05)
        self.exit_code = process.poll()
        for survivor in self.project.survivors():
            self.left_behind.append(f"{survivor.pid} {' '.join(survivor.cmdline())}")
            survivor.kill()

    async def rpx(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command of rpx to its end."""
        return await trio.run_process(
            (*RPX, *words),
            cwd=self.project.folder,
            env=self.project.environment,
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )

    async def _ask(self, path: str) -> Any:  # noqa: ANN401 - JSON
        transport = httpx.AsyncHTTPTransport(uds=str(self._sockets[0]))
        async with httpx.AsyncClient(transport=transport, timeout=20) as client:
            return (await client.get(f"http://rpx{path}")).json()

    async def ps(self) -> list[dict[str, Any]]:
        """The rows of `rpx ps --json`."""
        rows: list[dict[str, Any]] = await self._ask("/v1/ps")
        return rows

    async def stats(self) -> dict[int, dict[str, float]]:
        """Port → the figures of `rpx stats --json`."""
        stats = await self._ask("/v1/stats")
        return {
            int(where.rpartition(":")[2]): row
            for where, row in stats[HOST].items()
            if where != "rpx"
        }

    async def all_ready(self, within: float = 40) -> None:
        """Wait until all copies are in rotation."""
        with trio.fail_after(within):
            while not all(row["state"] == "ready" for row in await self.ps()):  # noqa: ASYNC110
                await trio.sleep(0.1)

    async def settled(self, before: Level | None = None) -> Level:
        """Wait until what was under way is over (20 s at most); return what is held then.

        `before`: an earlier level; our own questions are also something that is under way.
        """
        await self.all_ready()
        level = await self._level()
        with trio.move_on_after(20):
            while level.busy or (before is not None and any(level.more_than(before))):
                await trio.sleep(0.5)
                level = await self._level()
        return level

    async def _level(self) -> Level:
        level = Level(_descriptors(self._supervisor))
        connections = self._supervisor.net_connections("tcp")
        level.tcp = sum(connection.status != psutil.CONN_LISTEN for connection in connections)
        level.megabytes = self._supervisor.memory_info().rss / 1e6
        told = await self._inside()
        level.tasks = Counter(told.get("tasks", {}))
        level.objects, level.held = told.get("objects", {}), told.get("held", {})
        return level

    async def _inside(self) -> dict[str, Any]:
        self._told.unlink(missing_ok=True)
        self._supervisor.send_signal(signal.SIGUSR1)
        with trio.fail_after(10):
            while not self._told.exists():  # noqa: ASYNC110 - another process makes it
                await trio.sleep(0.05)
        told: dict[str, Any] = json.loads(self._told.read_text())
        return told

    def megabytes(self) -> float:
        """What it takes of the machine's memory now."""
        return self._supervisor.memory_info().rss / 1e6


def _descriptors(process: psutil.Process) -> Counter[str]:
    """What a process has open, by kind where the system tells."""
    folder = Path(f"/proc/{process.pid}/fd")
    if not folder.is_dir():
        return Counter({"all": process.num_fds()})
    return Counter(_kind(str(path)) for path in folder.iterdir())


def _kind(descriptor: str) -> str:
    try:
        return os.readlink(descriptor).partition(":[")[0]
    except OSError:
        return "gone"
