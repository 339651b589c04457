"""When is a started process ready? Its own sign is waited for first; then its health decides."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

import trio

from rpx.backend.claim import Claim
from rpx.backend.health_checks import Absence, worded
from rpx.backend.probe import http_check, tcp_check
from rpx.backend.side_command import Aside
from rpx.hub.process import Process
from rpx.hub.registry import Registry
from rpx.model.address import Location
from rpx.model.config import HealthCheck, Ready
from rpx.model.escapes import without_escapes
from rpx.model.status import State
from rpx.policy.signs import expected

PAUSES: Final = 0.05, 1.3, 1.0  # seconds before the first look again, times each time, at most
CONNECT_WITHIN: Final = 1.0
COMMAND_WITHIN: Final = 10.0
REMIND_AFTER: Final = 10.0  # seconds, then twice as many, and so on


class Sign:
    """What one run of a backend has to show first. Made anew for each run."""

    def __init__(self, process: Process, aside: Aside, claim: Claim | None = None) -> None:
        """With a `claim`, nobody but the backend's own process can show that it is there."""
        self._process = process
        self._aside = aside
        self._claim = claim
        self._ready = process.spec.start.ready or Ready()
        self._pattern = re.compile(self._ready.log) if self._ready.log is not None else None
        self._heard = trio.Event()

    async def begun(self) -> None:
        """Wait until it is there at all: a process is from its start on."""
        await trio.lowlevel.checkpoint()

    def hear(self, text: bytes) -> None:
        """Look at lines that the process printed."""
        if self._pattern is not None and not self._heard.is_set():
            lines = without_escapes(text).decode("utf-8", "replace").splitlines()
            if any(map(self._pattern.search, lines)):
                self._heard.set()

    async def seen(self) -> None:
        """Wait for it; `last_error` says meanwhile why it isn't there."""
        ready = self._ready
        if self._pattern is not None:
            await self._heard.wait()
        elif ready.delay is not None:
            await trio.sleep(ready.delay)
        elif (look := self._look(ready)) is not None:
            pause, growth, longest = PAUSES
            absence = Absence()
            earlier = self._process.last_error
            while (failure := await look()) is not None:
                self._process.blame(worded(self._process.standing, failure))
                now = trio.current_time()
                absence.note(failure, now)
                if absence.knocks:
                    await trio.sleep(absence.pause(None, now))
                else:
                    await trio.sleep(pause)
                    pause = min(pause * growth, longest)
            self._process.blame(earlier)  # that it was not there yet is no error

    def _look(self, ready: Ready) -> Callable[[], Awaitable[str | None]] | None:
        if (tcp := ready.tcp) is not None:
            return lambda: self._connects(tcp)
        if (command := ready.command) is not None:
            return lambda: self._aside.run(command, within=COMMAND_WITHIN)
        address = (ready.http.address or self._process.spec.listens) if ready.http else None
        if ready.http is not None and address is not None:
            asked, check = address, HealthCheck(path=ready.http.path)
            return lambda: self._answers(asked, check)
        return None

    async def _connects(self, address: Location) -> str | None:
        if self._claim is None:
            return await tcp_check(address, CONNECT_WITHIN)
        failure, _ = await self._claim.find(address, CONNECT_WITHIN)
        return failure

    async def _answers(self, address: Location, check: HealthCheck) -> str | None:
        if self._claim is None:
            return await http_check(address, check)
        failure, spot = await self._claim.find(address, CONNECT_WITHIN)
        return failure or await http_check(address, check, spot)


async def overdue(registry: Registry, process: Process, timeout: float | None) -> bool:
    """Say now and then what a starting backend is waited for; True when that took `timeout` (s)."""
    began, pause = trio.current_time(), REMIND_AFTER
    earlier = process.last_error  # of the run before
    while process.state is State.STARTING:
        left = None if timeout is None else began + timeout - trio.current_time()
        if left is not None and left <= 0:
            return True
        await trio.sleep(pause if left is None else min(pause, left))
        waited = trio.current_time() - began
        if process.state is State.STARTING and waited >= pause:
            error = process.last_error
            why = f" ({error})" if error and error != earlier else ""
            registry.say(f"not ready after {waited:.0f} s: {expected(process.spec)}{why}", process)
            pause = 2 * waited
    return False
