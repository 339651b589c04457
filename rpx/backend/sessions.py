"""Which sessions the supervisor has begun, in memory that it shares with its guardian.

Off Linux the guardian can't adopt what a dead supervisor leaves behind. There it ends those
sessions. A table in shared memory and not a pipe: the guardian sleeps in `sigwait` and reads
nothing while all is well, and a pipe would be full one day. Standard library only.
"""

from __future__ import annotations

import mmap
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

SLOTS = 8192  # processes of ours at the same time; one more isn't in the table
_BYTES = 8


class Sessions:
    """Made before the fork. Only the supervisor writes; a session is that of its first process."""

    def __init__(self) -> None:
        self._slots = memoryview(mmap.mmap(-1, SLOTS * _BYTES)).cast("q")
        self._free = list(range(SLOTS - 1, -1, -1))
        self._places: dict[int, int] = {}

    def add(self, pid: int) -> None:
        """A process has been started as the leader of its session."""
        if self._free:
            place = self._places[pid] = self._free.pop()
            self._slots[place] = pid

    def remove(self, pid: int) -> None:
        """All of the session has ended, and the number is about to be anybody's."""
        place = self._places.pop(pid, None)
        if place is not None:
            self._slots[place] = 0
            self._free.append(place)

    def __iter__(self) -> Iterator[int]:
        return (pid for pid in self._slots if pid)


def end_sessions(sessions: Sessions, seconds: float) -> list[int]:
    """For the guardian: kill every process of these sessions; the pids of those that remain."""
    deadline = time.monotonic() + seconds
    begun = set(sessions)
    while left := [pid for pid in _living() if _session(pid) in begun]:
        if time.monotonic() > deadline:
            return left
        for pid in left:
            _kill(pid)
        time.sleep(0.01)
    return []


def _living() -> list[int]:
    """The number of every process that is no zombie."""
    if sys.platform == "linux":
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and _runs(name)]
    return _listed(("ps", "-A", "-o", "pid=,stat="))


def _listed(command: tuple[str, ...]) -> list[int]:
    # Not psutil, which the guardian would keep in memory for the whole run.
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    rows = (line.split(None, 1) for line in said.splitlines() if line.strip())
    return [int(pid) for pid, state in rows if not state.startswith("Z")]


def _runs(pid: str) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:
            text = file.read()
    except OSError:
        return False
    return text[text.rindex(b")") + 2 :][:1] not in b"ZX"


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has just gone, or isn't ours to kill
