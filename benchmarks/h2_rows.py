"""The rows of HTTP/2, over TLS as browsers have it: what a request costs beside nginx and Caddy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks.load import Load
from benchmarks.rows import Goal, Lane, Row

PROXIES = ("rpx", "nginx", "caddy")
_MANY = Load(scheme="https", connections=4, streams=25, requests=4000)
_LARGE = Load("/1m", scheme="https", connections=4, streams=4, requests=200)


def _cpu(other: str, limit: float) -> Goal:
    return Goal(
        f"CPU per request of rpx / {other}",
        ("rpx", other),
        lambda r: r["rpx"].cpu / r[other].cpu,
        limit,
        at_least=False,
    )


def _row(name: str, title: str, load: Load, limits: Mapping[str, float]) -> Row:
    return Row(
        name,
        f"HTTP/2, {title}",
        tuple(Lane(proxy, proxy, load) for proxy in PROXIES),
        "bytes" if load.path == "/1m" or load.upload else "rate",
        tuple(_cpu(other, limit) for other, limit in limits.items()),
    )


def _upload(size: int, requests: int, *, streams: int = 4) -> Load:
    return replace(_LARGE, path="/up", upload=size, requests=requests, streams=streams)


H2_ROWS = (
    _row("h2", "small JSON, 4 × 25 streams", _MANY, {"caddy": 0.5, "nginx": 3.0}),
    _row(
        "h2-browser",
        "a browser's fields, 200 modules in turn, 4 × 25 streams",
        replace(_MANY, browser=True),
        {"caddy": 0.5},
    ),
    _row(
        "h2-16k",
        "16 KB, 4 × 25 streams",
        replace(_MANY, path="/16k", requests=2000),
        {"caddy": 0.6},
    ),
    _row("h2-1m", "1 MB, 4 × 4 streams", _LARGE, {"caddy": 1.1}),
    _row(
        "h2-up-16k",
        "uploads of 16 KB, 4 × 25 streams",
        _upload(16 * 1024, 2000, streams=25),
        {"caddy": 1.0},
    ),
    _row("h2-up-1m", "uploads of 1 MB, 4 × 4 streams", _upload(1024 * 1024, 100), {"caddy": 1.4}),
    _row(
        "h2-up-30m",
        "uploads of 30 MB, 1 × 1 stream",
        replace(_upload(30 * 1024 * 1024, 5, streams=1), connections=1),
        {"caddy": 1.4},
    ),
    _row(
        "h2-one",
        "small JSON, one stream at a time",
        replace(_MANY, connections=1, streams=1, requests=1000),
        {"caddy": 1.5},
    ),
)
