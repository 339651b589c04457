"""What the door's own life costs: the start of a project with it, and its memory."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.doors import OTHER, PASSED, Machine, project
from benchmarks.lifetime import Figure
from benchmarks.load import Load, measure
from benchmarks.machine import memory
from benchmarks.rounds import Origins, Pace

ADDED = 0.05  # seconds by which `rpx up` may answer later for the door: nobody sees them
SMALL = 15.0  # MB of resident memory
GROWTH = 0.5  # MB
SETTLED = 1.0  # seconds


def up_time(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """From `rpx up` to the first answer: by its own listener, and by a door that is there or not.

    The backends run already.
    """
    folder.mkdir()
    own, none, there = [], [], []
    for number in range(pace.rounds + 1):  # the first one reads all that is imported
        at, backends = folder / str(number), origins.http[:2]
        at.mkdir()
        own.append(_first_answer(Machine(at / "own", backends, own=True)))
        machine = Machine(at / "door", backends)
        began = time.perf_counter()
        with machine.up(OTHER):
            none.append(time.perf_counter() - began)
            time.sleep(SETTLED)  # its own start is over
            there.append(_first_answer(machine))
    rounds = list(zip(own, none, there, strict=True))[1:]
    seconds = [statistics.median(column) for column in zip(*rounds, strict=True)]
    note = "own listener {:.3f} s, a door to be started {:.3f}, one that is there {:.3f}"
    added = statistics.median(max(none, there) - own for own, none, there in rounds)
    title = "`rpx up` to the first answer, later by the door"
    return [Figure("door-up", title, added, ADDED, "s", note.format(*seconds))]


def _first_answer(machine: Machine) -> float:
    began = time.perf_counter()
    with machine.up():
        return time.perf_counter() - began


def memory_of_door(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """The memory of a door between two projects, and what it is after so many connections."""
    folder.mkdir()
    load = Load(fresh=True)
    with project(PASSED, folder / "rpx", origins.http[:2]) as place:
        doors = [place.door] if place.door else []
        time.sleep(SETTLED)
        before = memory(doors)
        passed = 0
        while passed < pace.requests // 10:
            passed += int(measure(load, place, 5.0, folder).rate * 5)
        time.sleep(SETTLED)
        after = memory(doors)
    note = f"shared pages counted once: {before['pss']:.1f} MB"
    grown = f"{before['rss']:.1f} → {after['rss']:.1f} MB after {passed:,} connections"
    return [
        Figure("door-memory", "memory of the door", before["rss"], SMALL, "MB", note),
        Figure("door-growth", "its growth", after["rss"] - before["rss"], GROWTH, "MB", grown),
    ]


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {
    "door-up": up_time,
    "door-memory": memory_of_door,
}
