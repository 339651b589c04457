"""How much memory a process takes at most while something goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOM = 32.0  # MB that a file of any size may take, beyond what rpx has anyway


@dataclass
class Grown:
    """By how many MB a process has grown at its largest, once that is known."""

    megabytes: float = 0.0


@contextmanager
def growth(process: psutil.Process) -> Iterator[Grown]:
    """Look at the most resident memory of a process in the meantime (Linux)."""
    proc = Path(f"/proc/{process.pid}")
    (proc / "clear_refs").write_text("5")  # the most so far counts no more
    before = _most(proc)
    grown = Grown()
    yield grown
    grown.megabytes = (_most(proc) - before) / 1000


def _most(proc: Path) -> float:
    lines = (proc / "status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
