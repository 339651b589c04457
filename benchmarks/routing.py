"""What it costs to find the route of a request, in a loop: few of them, and a thousand."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from pathlib import Path

from benchmarks.lifetime import Figure
from benchmarks.processes import Failed
from benchmarks.rounds import Origins, Pace
from rpx.http.head import RequestHead, parse_request
from rpx.model.route import Conditions
from rpx.policy.route_table import RouteTable
from rpx.policy.templates import PathChange

MANY = 1000
KINDS = {"path": "/r{}/*", "segment": "/users/:id/r{}", "expression": "~/r{}/(.*)"}
PATHS = {"path": "/r{}/users/42", "segment": "/users/42/r{}", "expression": "/r{}/users/42"}


def routes(pace: Pace, origins: Origins, folder: Path) -> list[Figure]:
    """µs for the last of ten routes, with its prefix cut off; and what a thousand cost beside."""
    del origins, folder
    loops = max(20, round(pace.seconds * 100))
    few = {kind: _found(kind, 10, loops) for kind in KINDS}
    many = {kind: _found(kind, MANY, loops) for kind in KINDS}
    table = RouteTable([(Conditions(paths=("/api/*",)), "api")])
    request, change = _request("/api/users/42?x=1"), PathChange("/api", "")

    def matched() -> None:
        if found := table.find(request):
            change.target(request.target, found[1])

    said = ", ".join(f"{kind} {few[kind]:.2f} → {many[kind]:.2f}" for kind in KINDS)
    worst = max(many[kind] / few[kind] for kind in KINDS)
    return [
        Figure("routes", "a route found, its prefix cut off", _micro(matched, loops), 2, "µs"),
        Figure("routes", f"{MANY} routes beside ten", worst, 2, "×", f"µs: {said}"),
    ]


def _found(kind: str, count: int, loops: int) -> float:
    """µs to find the last of so many."""
    paths = [KINDS[kind].format(n) for n in range(count)]
    table = RouteTable([(Conditions(paths=(path,)), path) for path in paths])
    request = _request(PATHS[kind].format(count - 1))
    if table.find(request) is None:
        raise Failed(f"no route of {count} was found by {kind}")
    return _micro(lambda: table.find(request), loops)


def _request(target: str) -> RequestHead:
    parsed = parse_request(b"GET %b HTTP/1.1\r\nHost: shop.localhost\r\n\r\n" % target.encode())
    if parsed is None:
        raise Failed(f"no request for {target}")
    return parsed[0]


def _micro(work: Callable[[], object], loops: int) -> float:
    """The best of short loops: what the rest of the machine does is in the others."""
    return min(timeit.repeat(work, number=1000, repeat=loops)) * 1000


FIGURES: dict[str, Callable[[Pace, Origins, Path], list[Figure]]] = {"routes": routes}
