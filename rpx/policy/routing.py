"""Which route a request takes: by the host it asks for, then by the beginning of its path."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar

T = TypeVar("T")

WILDCARD: Final = "*."


class Routes(Generic[T]):
    """Routes by what stands in `to`: `host`, `host/path`, and `*.domain` as a host.

    The most specific one wins: a host before a wildcard that covers it, then the longest path. `*`
    is exactly one label, so the domain itself is not covered. A path covers itself and what lies
    below it: `/api` has `/api` and `/api/users`, but not `/apis`.

    `plain` has the hosts with a single route for all paths: one look at a dict, and most requests
    are done. `find` knows the others.
    """

    __slots__ = ("_others", "plain")

    def __init__(self, routes: Mapping[str, T]) -> None:
        by_host: dict[str, list[tuple[bytes, T]]] = {}
        for to, route in routes.items():
            host, _, path = to.partition("/")
            prefix = f"/{path}/".encode() if path else b"/"
            by_host.setdefault(host, []).append((prefix, route))
        self.plain: dict[str, T] = {}
        self._others: dict[str, list[tuple[bytes, T]]] = {}
        for host, paths in by_host.items():
            if len(paths) == 1 and paths[0][0] == b"/" and not host.startswith(WILDCARD):
                self.plain[host] = paths[0][1]
            else:
                self._others[host] = sorted(paths, key=lambda pair: -len(pair[0]))

    def find(self, host: str, path: bytes) -> T | None:
        """Return the route for a host (lower case, an IPv6 one in brackets) and a path, or None."""
        if host.startswith("["):
            host = _usual(host)
        if host in self.plain:
            return self.plain[host]
        whole = path + b"/" if path.startswith(b"/") else b"/"  # `*`, of OPTIONS, has none
        for prefix, route in self._candidates(host):
            if whole.startswith(prefix):
                return route
        return None

    def knows(self, host: str) -> bool:
        """Tell whether there are routes for this host, for whatever paths."""
        return host in self.plain or any(self._candidates(host))

    def _candidates(self, host: str) -> Iterator[tuple[bytes, T]]:
        yield from self._others.get(host, ())
        yield from self._others.get(WILDCARD + host.partition(".")[2], ())


def _usual(literal: str) -> str:
    """The one form of an address that has many."""
    try:
        return f"[{ipaddress.IPv6Address(literal[1:-1])}]"
    except ValueError:
        return literal
