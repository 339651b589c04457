"""The figures of one backend, as `rpx stats --json` and `proxy.stats()` show them."""

from __future__ import annotations

from typing import TypedDict


class Figures(TypedDict):
    """Since the start. Latencies are milliseconds, sizes bytes; docs/statistics.md has the details.

    requests    answered, tunnels and event streams as soon as they have begun
    errors      refused, broken and late attempts, and answers of 500 and above
    avgLatency  mean of the whole exchange; of tunnels and event streams, until they began
    p50 … p99   percentiles of the same, at most 1.6 % off
    inFlight    under way now
    retries     attempts here of requests that had been tried before
    held        requests that had to wait until a backend was up
    abandoned   their client left before an answer had begun
    bytesIn     sent to the backend, heads included
    bytesOut    received from it, heads included
    statuses    answers by class: 1xx, 2xx, 3xx, 4xx, 5xx
    """

    requests: int
    errors: int
    avgLatency: float
    p50: float
    p90: float
    p99: float
    inFlight: int
    retries: int
    held: int
    abandoned: int
    bytesIn: int
    bytesOut: int
    statuses: dict[str, int]
