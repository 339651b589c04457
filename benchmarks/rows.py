"""The rows of the table: who is measured with which load, and what must be reached.

A row has lanes, run one after the other in each round. A goal compares two lanes of one round; the
median over the rounds is what counts. Lanes are named `proxy`, or `proxy/variant`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks.contenders import CONTENDERS
from benchmarks.load import Load, Sample

DIRECT = "direct"
ROUTED = ("rpx", "rpx-10-routes", "rpx-1000-routes")
Round = Mapping[str, Sample]


@dataclass(frozen=True, slots=True)
class Lane:
    """One contender under one load, with so many backends."""

    name: str
    proxy: str  # one of CONTENDERS or SERVERS, or DIRECT
    load: Load
    backends: int = 2


@dataclass(frozen=True, slots=True)
class Goal:
    """A ratio of two lanes and what it must be: at least or at most `limit`."""

    text: str  # what is divided by what
    needs: tuple[str, ...]  # lanes without which it can't be told
    ratio: Callable[[Round], float]
    limit: float
    at_least: bool = True

    def reached(self, ratio: float) -> bool:
        """Whether that is enough."""
        return ratio >= self.limit if self.at_least else ratio <= self.limit


@dataclass(frozen=True, slots=True)
class Row:
    """One workload."""

    name: str
    title: str
    lanes: tuple[Lane, ...]
    shows: str = "rate"  # the column that counts: rate, bytes or added
    goals: tuple[Goal, ...] = field(default=())
    stretch: int = 1  # times as long: where opening the connections must not count for much


def _rate(other: str, limit: float, unit: str = "req/s") -> Goal:
    return Goal(
        f"{unit} of rpx / {other}", ("rpx", other), lambda r: r["rpx"].rate / r[other].rate, limit
    )


def _bytes(other: str, limit: float) -> Goal:
    return Goal(
        f"bytes/s of rpx / {other}",
        ("rpx", other),
        lambda r: r["rpx"].bytes / r[other].bytes,
        limit,
    )


def _files(load: Load, limit: float) -> tuple[tuple[Lane, ...], tuple[Goal, ...]]:
    """Both send files of a folder by themselves."""
    names = ("rpx-files", "nginx-files")
    goal = Goal(
        "requests/s of rpx / nginx", names, lambda r: r[names[0]].rate / r[names[1]].rate, limit
    )
    return tuple(Lane(name, name, load) for name in names), (goal,)


def _flat(few: str, many: str, limit: float) -> Goal:
    return Goal(
        f"CPU per request, {many} / {few}",
        (few, many),
        lambda r: r[many].cpu / r[few].cpu,
        limit,
        at_least=False,
    )


def added(sample: Sample, direct: Sample) -> float:
    """What a proxy adds to the median latency, in µs; at least the one that wrk can tell."""
    return max(sample.median - direct.median, 1.0)


def _added(round_: Round) -> float:
    direct = round_[DIRECT]
    return added(round_["rpx"], direct) / added(round_["nginx"], direct)


def _all(load: Load) -> tuple[Lane, ...]:
    return (Lane(DIRECT, DIRECT, load), *_through(load))


def _through(load: Load) -> tuple[Lane, ...]:
    """All but the way without a proxy, which has no TLS."""
    return tuple(Lane(n, n, load) for n in CONTENDERS if n not in ROUTED[1:])


def _per(variants: Mapping[str, tuple[Load, int]]) -> tuple[Lane, ...]:
    return tuple(
        Lane(f"{proxy}/{name}", proxy, load, backends)
        for proxy in ("rpx", "nginx")
        for name, (load, backends) in variants.items()
    )


_FILE_16K = _files(Load("/16k"), 0.5)
_FILE_10M = _files(Load("/10m", 16), 1.0)
_FILE_TLS = _files(Load("/1m", 16, scheme="https"), 1.0)

ROWS = (
    Row(
        "small",
        "small JSON, 64 connections",
        _all(Load()),
        goals=(_rate("nginx", 0.5), _rate("caddy", 2.0), _rate("caddy-defaults", 2.0)),
    ),
    Row(
        "varied",
        "small JSON, each another, 64 connections",
        _all(Load("/varied", varied=True)),
        goals=(_rate("nginx", 0.5),),
    ),
    Row(
        "16k",
        "16 KB, 64 connections",
        _all(Load("/16k")),
        goals=(_rate("nginx", 0.5), _rate("caddy", 2.0), _rate("caddy-defaults", 2.0)),
    ),
    Row("1m", "1 MB, 16 connections", _all(Load("/1m", 16)), "bytes", (_bytes("nginx", 1.5),)),
    Row("100m", "100 MB, 4 connections", _all(Load("/100m", 4)), "bytes", (_bytes("nginx", 1.5),)),
    Row(
        "tls",
        "TLS, small JSON, 64 connections",
        _through(Load(scheme="https")),
        goals=(_rate("nginx", 0.5),),
    ),
    Row(
        "tls-varied",
        "TLS, small JSON, each another, 64 connections",
        _through(Load("/varied", scheme="https", varied=True)),
        goals=(_rate("nginx", 0.5),),
    ),
    Row(
        "tls-1m",
        "TLS, 1 MB, 16 connections",
        _through(Load("/1m", 16, scheme="https")),
        "bytes",
        (_bytes("nginx", 1.0),),
    ),
    Row("static-16k", "a file of 16 KB, 64 connections", _FILE_16K[0], goals=_FILE_16K[1]),
    Row("static-10m", "a file of 10 MB, 16 connections", _FILE_10M[0], "bytes", _FILE_10M[1]),
    Row("static-tls", "TLS, a file of 1 MB, 16 connections", _FILE_TLS[0], "bytes", _FILE_TLS[1]),
    Row(
        "websocket",
        "WebSocket echo, 64 connections",
        _all(Load(connections=64, websocket=True)),
        goals=(_rate("nginx", 0.5, "messages/s"),),
    ),
    Row(
        "latency",
        "latency, 1 connection",
        _all(Load(connections=1)),
        "added",
        (
            Goal(
                "added latency of rpx / nginx",
                ("rpx", "nginx", DIRECT),
                _added,
                2.5,
                at_least=False,
            ),
        ),
    ),
    Row(
        "connections",
        "1, 64 and 1,000 connections",
        _per({f"{n} conn": (Load(connections=n), 2) for n in (1, 64, 1000)}),
        goals=(
            _flat("rpx/1 conn", "rpx/1000 conn", 1.5),
            _flat("rpx/64 conn", "rpx/1000 conn", 1.5),
        ),
        stretch=3,
    ),
    Row(
        "matched",
        "routes: none, the last of 10, of 1,000",
        tuple(Lane(name, name, Load()) for name in ROUTED),
        goals=(
            Goal(
                "CPU µs that a matched route adds",
                ROUTED[:2],
                lambda r: r[ROUTED[1]].cpu - r[ROUTED[0]].cpu,
                2.0,
                at_least=False,
            ),
            _flat(ROUTED[1], ROUTED[2], 2.0),
        ),
    ),
    Row(
        "backends",
        "2 and 100 backends",
        _per({f"{n} backends": (Load(), n) for n in (2, 100)}),
        goals=(_flat("rpx/2 backends", "rpx/100 backends", 1.5),),
    ),
)
