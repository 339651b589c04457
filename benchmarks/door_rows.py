"""Rows of the door: what it costs that all projects of a machine share their ports.

Lanes are the ways to one project (doors.py); all is measured against its own listener.
"""

from __future__ import annotations

from benchmarks.doors import ALONE, OWN, PASSED, WAYS
from benchmarks.load import Load, Sample
from benchmarks.rows import Goal, Lane, Round, Row

AS_FAST = 0.97  # of the own listener: what lies above that can't be told from it
MORE = 80.0  # µs that a connection may cost more if it is passed on


def work(sample: Sample) -> float:
    """µs per request of project and door together."""
    return sample.cpu + sample.door


def _lanes(load: Load) -> tuple[Lane, ...]:
    return tuple(Lane(way, way, load) for way in WAYS)


def _rate(way: str) -> Goal:
    return Goal(f"req/s, {way} / {OWN}", (way, OWN), lambda r: r[way].rate / r[OWN].rate, AS_FAST)


def _latency(way: str) -> Goal:
    return Goal(
        f"median latency, {way} / {OWN}",
        (way, OWN),
        lambda r: r[way].median / r[OWN].median,
        1.03,
        at_least=False,
    )


def _more(round_: Round) -> float:
    return work(round_[PASSED]) - work(round_[OWN])


PASSED_ON = Goal(f"CPU µs more, {PASSED}", (PASSED, OWN), _more, MORE, at_least=False)
COSTS_NOTHING = Goal(
    f"CPU, {ALONE} / {OWN}",
    (ALONE, OWN),
    lambda r: work(r[ALONE]) / work(r[OWN]),
    1.03,
    at_least=False,
)

DOOR_ROWS = (
    Row(
        "door-kept",
        "by the door, small JSON, 64 kept connections",
        _lanes(Load()),
        goals=(_rate(PASSED), _rate(ALONE)),
    ),
    Row(
        "door-kept-tls",
        "by the door, TLS, small JSON, 64 kept connections",
        _lanes(Load(scheme="https")),
        goals=(_rate(PASSED), _rate(ALONE)),
    ),
    Row(
        "door-kept-one",
        "by the door, 1 kept connection",
        _lanes(Load(connections=1)),
        goals=(_latency(PASSED), _latency(ALONE)),
    ),
    Row(
        "door-new",
        "by the door, 64 clients, a connection for each request",
        _lanes(Load(fresh=True)),
        goals=(PASSED_ON, COSTS_NOTHING),
    ),
    Row(
        "door-new-tls",
        "by the door, 64 clients, a TLS handshake for each request",
        _lanes(Load(scheme="https", fresh=True)),
        goals=(PASSED_ON, COSTS_NOTHING),
    ),
    Row(
        "door-new-one",
        "by the door, 1 client, a connection for each request",
        _lanes(Load(connections=1, fresh=True)),
    ),
)
