"""Which route a request takes, and whether it is for a backend at all.

The route is found by the host that a request asks for, then by the beginning of its path.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final, Generic, Protocol, TypeVar

from rpx.model.config import ANY, Https

T = TypeVar("T")
R = TypeVar("R", bound="Asking")
R_contra = TypeVar("R_contra", bound="Asking", contravariant=True)

WILDCARD: Final = "*."
LOOPS: Final = 5  # times a request may have been through rpx; nested set-ups stay far below


class Routes(Generic[T]):
    """Routes by what stands in `to`: `host`, `host/path`, and `*.domain` or `*` as a host.

    The host is chosen first: it itself, else the wildcard that covers it, else `*`; then, among the
    paths of that host alone, the longest. `*.` is exactly one label, so the domain itself is not
    covered. A path covers itself and what lies below it: `/api` has `/api` and `/api/users`, but
    not `/apis`.

    `plain` has the hosts with a single route for all paths: one look at a dict, and most requests
    are done. `find` knows the others. `elsewhere` are hosts and wildcards of other projects: they
    go before what is less specific here. `own` is a host of rpx's: it is known, and no route is for
    it unless that names it.
    """

    __slots__ = ("_by_host", "elsewhere", "own", "plain")

    def __init__(
        self, routes: Mapping[str, T], elsewhere: AbstractSet[str] = frozenset(), own: str = ""
    ) -> None:
        by_host: dict[str, list[tuple[bytes, T]]] = {}
        for to, route in routes.items():
            host, _, path = to.partition("/")
            prefix = f"/{path}/".encode() if path else b"/"
            by_host.setdefault(host, []).append((prefix, route))
        self.plain: dict[str, T] = {}
        self.elsewhere = elsewhere
        self.own = own
        self._by_host: dict[str, list[tuple[bytes, T]]] = {}
        for host, paths in by_host.items():
            if len(paths) == 1 and paths[0][0] == b"/" and not host.startswith(ANY):
                self.plain[host] = paths[0][1]
            else:
                self._by_host[host] = sorted(paths, key=lambda pair: -len(pair[0]))

    def find(self, host: str, path: bytes) -> T | None:
        """Return the route for a host (lower case, an IPv6 one in brackets) and a path, or None."""
        if host.startswith("["):
            host = _usual(host)
        if host in self.plain:
            return self.plain[host]
        whole = path + b"/" if path.startswith(b"/") else b"/"  # `*`, of OPTIONS, has none
        for prefix, route in self._by_host.get(self._chosen(host), ()):
            if whole.startswith(prefix):
                return route
        return None

    def knows(self, host: str) -> bool:
        """Tell whether there are routes for this host, for whatever paths."""
        return self._chosen(host) != ""

    def names(self, host: str) -> bool:
        """Tell whether there are routes for this host that aren't for any other just as well."""
        return self._chosen(host) not in ("", ANY)

    def _chosen(self, host: str) -> str:
        """The host of ours whose paths are looked at: itself, a wildcard, `*`; "" for none."""
        if host in self.plain or host in self._by_host or (host and host == self.own):
            return host
        above = WILDCARD + host.partition(".")[2]
        if host in self.elsewhere:
            return ""
        if above in self._by_host:
            return above
        return ANY if ANY in self._by_host and above not in self.elsewhere else ""


def _usual(literal: str) -> str:
    """The one form of an address that has many."""
    try:
        return f"[{ipaddress.IPv6Address(literal[1:-1])}]"
    except ValueError:
        return literal


class Verdict(Enum):
    """What is to be done with a request; all but the first are answered without a backend."""

    SERVE = "a backend answers it"
    UNKNOWN = "there is no route for it"
    REDIRECT = "it is to come again with TLS"
    MISDIRECTED = "its connection was opened for another host, whose certificate isn't for this one"
    LOOP = "it comes back again and again"
    LAST_HOP = "it may go no further (RFC 9110 §7.6.2)"


SERVE: Final = Verdict.SERVE  # to read it costs 0.01 µs, through the class 0.1


class Secured(Protocol):
    """What is known of where a request would go. `https`: clients are to have TLS there."""

    @property
    def https(self) -> Https | None: ...


class Asking(Protocol):
    """A request; see RequestHead."""

    @property
    def host(self) -> str: ...
    @property
    def loops(self) -> int: ...
    @property
    def max_forwards(self) -> int | None: ...


class Asker(Protocol[R_contra]):
    """Who asks. `named`: the host that its TLS began with, "" for none; None: it has no TLS.

    `by_tls_port`: it has come to the port for TLS.
    """

    @property
    def named(self) -> str | None: ...
    @property
    def by_tls_port(self) -> bool: ...
    def has_tls(self, request: R_contra, /) -> bool:
        """Whether it has TLS, with rpx or with a trusted proxy before that."""

    def may_ask_for(self, host: str, /) -> bool:
        """Whether the certificate for `named` is also for `host`."""


def verdict(route: Secured | None, request: R, asker: Asker[R]) -> Verdict:
    """Judge a request that takes `route` (None: there is none)."""
    if route is None:
        return Verdict.UNKNOWN
    named = asker.named
    if named is None:
        https = route.https
        if https is not None and (
            asker.by_tls_port or (https.redirect and not asker.has_tls(request))
        ):
            return Verdict.REDIRECT
    elif named and named != request.host and not asker.may_ask_for(request.host):
        return Verdict.MISDIRECTED
    if request.loops >= LOOPS:
        return Verdict.LOOP
    return Verdict.LAST_HOP if request.max_forwards == 0 else SERVE
