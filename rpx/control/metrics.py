"""The figures as Prometheus reads them: its text format, version 0.0.4.

Written here: prometheus_client would spare us the last three functions, for a dependency and a
registry of its own beside ours. Its parser reads the result in a test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rpx.hub.counts import Counts
from rpx.hub.endpoint import Endpoint
from rpx.hub.registry import Registry
from rpx.hub.site import OWN

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
# Powers of two, of which the histogram knows exact numbers: 1 ms (nearly) to 64 s.
_EXPONENTS: Final = range(-10, 7)
_EDGES: Final = [f"{2.0**exponent!r}" for exponent in _EXPONENTS]

Row = tuple[dict[str, str], Counts, int]  # labels, counts, requests in flight


def prometheus(registry: Registry) -> str:
    """Return everything there is to scrape."""
    return "".join(f"{line}\n" for line in _lines(registry))


def _lines(registry: Registry) -> Iterator[str]:
    rows = list(_rows(registry))
    yield from _head("rpx_requests_total", "counter", "Answers by status, as clients got them")
    for labels, counts, _ in rows:
        for code, count in sorted(counts.codes.items()):
            yield _sample("rpx_requests_total", labels | {"code": str(code)}, count)
    yield from _head(
        "rpx_request_duration_seconds",
        "histogram",
        "Whole exchanges; tunnels and event streams until they have begun",
    )
    for labels, counts, _ in rows:
        yield from _histogram("rpx_request_duration_seconds", labels, counts)
    for name, kind, what, figure in _FIGURES:
        yield from _head(name, kind, what)
        for row in rows:
            yield _sample(name, row[0], figure(row))
    yield from _routes(registry)
    yield from _backends(registry)


def _rows(registry: Registry) -> Iterator[Row]:
    for host, pool in registry.pools.items():
        for backend in pool.backends:
            yield _labels(host, backend), backend.counts, backend.in_flight
        yield {"host": host, "backend": OWN}, pool.counts, pool.waiting
    yield {"host": "", "backend": OWN}, registry.unrouted, 0


# The sample's name, its type, its help, and where it comes from.
_FIGURES: Final[list[tuple[str, str, str, Callable[[Row], int]]]] = [
    (
        "rpx_requests_in_flight",
        "gauge",
        "Requests under way; of rpx: those that wait for a backend",
        lambda row: row[2],
    ),
    (
        "rpx_request_errors_total",
        "counter",
        "Attempts that were refused, broke or came too late, and answers of 500 and above",
        lambda row: row[1].errors,
    ),
    (
        "rpx_request_retries_total",
        "counter",
        "Attempts of requests that had been tried before",
        lambda row: row[1].retries,
    ),
    (
        "rpx_requests_held_total",
        "counter",
        "Requests that had to wait because no backend was up",
        lambda row: row[1].held,
    ),
    (
        "rpx_requests_abandoned_total",
        "counter",
        "Requests whose client left before an answer had begun",
        lambda row: row[1].abandoned,
    ),
    (
        "rpx_request_bytes_total",
        "counter",
        "Bytes sent to backends, heads included",
        lambda row: row[1].traffic.sent,
    ),
    (
        "rpx_response_bytes_total",
        "counter",
        "Bytes received from backends, heads included",
        lambda row: row[1].traffic.received,
    ),
]


def _routes(registry: Registry) -> Iterator[str]:
    """Of each route that has had a request, and of what none takes, named like the proxy; whoever
    answered: also what backends have counted.
    """
    rows = [
        ({"host": site.to, "route": way.name}, way.counts)
        for site in registry.sites.values()
        for way in site.all_ways
        if site.plain is None and way.counts.requests
    ]
    yield from _head("rpx_route_requests_total", "counter", "Answers of a route, by status")
    for labels, counts in rows:
        for code, count in sorted(counts.codes.items()):
            yield _sample("rpx_route_requests_total", labels | {"code": str(code)}, count)
    yield from _head(
        "rpx_route_request_duration_seconds", "histogram", "Until an answer has gone, or has begun"
    )
    for labels, counts in rows:
        yield from _histogram("rpx_route_request_duration_seconds", labels, counts)


def _histogram(name: str, labels: dict[str, str], counts: Counts) -> Iterator[str]:
    latency = counts.latency
    for edge, count in zip(_EDGES, latency.up_to(_EXPONENTS), strict=True):
        yield _sample(f"{name}_bucket", labels | {"le": edge}, count)
    yield _sample(f"{name}_bucket", labels | {"le": "+Inf"}, latency.count)
    yield _sample(f"{name}_sum", labels, latency.total)
    yield _sample(f"{name}_count", labels, latency.count)


def _backends(registry: Registry) -> Iterator[str]:
    routed = [
        (_labels(host, each), int(each.in_rotation and each.weight > 0), _restarts(each))
        for host, pool in registry.pools.items()
        for each in pool.backends
    ]
    others = [
        ({"process": backend.label}, int(backend.in_rotation), backend.own.restarts)
        for backend in registry.backends.values()
        if backend.endpoint is None and backend.own is not None
    ]
    for subject, group in (("backend", routed), ("process", others)):
        what = "gets requests" if subject == "backend" else "runs"
        yield from _head(f"rpx_{subject}_up", "gauge", f"1 while it {what}")
        for labels, up, _ in group:
            yield _sample(f"rpx_{subject}_up", labels, up)
        yield from _head(
            f"rpx_{subject}_restarts_total", "counter", "Restarts, for whatever reason"
        )
        for labels, _, restarts in group:
            yield _sample(f"rpx_{subject}_restarts_total", labels, restarts)


def _restarts(endpoint: Endpoint) -> int:
    """Those of a process are counted once, at the address of its own."""
    return endpoint.process.restarts if endpoint.own and endpoint.process is not None else 0


def _labels(host: str, backend: Endpoint) -> dict[str, str]:
    return {"host": host, "backend": str(backend.spec.address)}


def _head(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"


def _sample(name: str, labels: dict[str, str], value: float) -> str:
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
