"""Runs a row: all its contenders are up at once, and take turns, A B C A B C …"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import environment, proxy
from benchmarks.doors import WAYS, project
from benchmarks.load import Place, Sample, measure
from benchmarks.machine import find, free_ports
from benchmarks.origin import BACKENDS, origin
from benchmarks.processes import running
from benchmarks.rows import DIRECT, Lane, Row


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rounds, how long each lane's share of one is, how many requests for memory."""

    rounds: int
    seconds: float
    requests: int


@dataclass(frozen=True, slots=True)
class Origins:
    """Ports of the servers behind the proxies."""

    http: list[int]
    websocket: list[int]


@contextmanager
def origins(folder: Path) -> Iterator[Origins]:
    """Run the servers behind the proxies."""
    *http, websocket = free_ports(BACKENDS + 1)
    command = (sys.executable, "-S", "-m", "benchmarks.echo_origin", str(websocket))
    echo = folder / "echo"
    echo.mkdir()
    with origin(folder / "origin", http):
        with running(command, websocket, echo / "log", environment(echo)):
            yield Origins(http, [websocket])


def can_run(lane: Lane) -> bool:
    """Whether its proxy and its client are installed."""
    program = lane.proxy.partition("-")[0]
    if lane.load.streams and find("h2load") is None:
        return False
    return program in (DIRECT, "rpx") or find(program) is not None


def run(row: Row, origins: Origins, pace: Pace, folder: Path) -> list[dict[str, Sample]]:
    """Return a sample of each lane per round."""
    lanes = [lane for lane in row.lanes if can_run(lane)]
    with ExitStack() as stack:
        places = _start(stack, lanes, origins, folder / row.name)
        for lane in lanes:  # warm up: pools are filled, code is loaded
            measure(lane.load, places[lane.name], min(pace.seconds, 1.0), folder)
        found = []
        seconds = pace.seconds * row.stretch
        for _ in range(pace.rounds):
            round_: dict[str, Sample] = {}
            for lane in lanes:
                round_[lane.name] = measure(lane.load, places[lane.name], seconds, folder)
            found.append(round_)
            sys.stderr.write(".")
            sys.stderr.flush()
        return found


def _start(stack: ExitStack, lanes: list[Lane], origins: Origins, folder: Path) -> dict[str, Place]:
    """Start what the lanes need, each proxy once per number of backends: lane → where it is."""
    folder.mkdir()
    started: dict[tuple[str, int, str], Place] = {}
    places: dict[str, Place] = {}
    for lane in lanes:
        backends = origins.websocket if lane.load.websocket else origins.http[: lane.backends]
        key = (lane.proxy, len(backends), lane.load.scheme)
        own = folder / f"{lane.proxy}-{len(backends)}"
        tls = lane.load.scheme == "https"
        if lane.proxy == DIRECT:
            started[key] = Place(backends[0])
        elif key not in started and lane.proxy in WAYS:
            started[key] = stack.enter_context(project(lane.proxy, own, backends, tls=tls))
        elif key not in started:
            (port,) = free_ports(1)
            pid = stack.enter_context(proxy(lane.proxy, own, port, backends, tls=tls))
            started[key] = Place(port, pid)
        places[lane.name] = started[key]
    return places
