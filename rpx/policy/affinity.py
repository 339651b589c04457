"""Sticky sessions: which cookie value stands for which backend."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from hmac import digest
from typing import Generic

from rpx.model.config import PoolSpec, Sticky
from rpx.policy.balance import M


class Affinity(Generic[M]):
    """The cookie values of a pool's members.

    A value says nothing to whoever doesn't have the `key`, and is the same as long as the key, the
    path of the route and the identity of the member are.
    """

    __slots__ = ("_members", "_path", "_paths", "_values", "_wild", "cookie", "ttl", "warned")

    def __init__(
        self, sticky: Sticky, members: Sequence[M], key: bytes, to: Sequence[str] = ("",)
    ) -> None:
        """`to` leads to them: the cookie of one with a path is no other's affair at its host."""
        path = f"/{to[0].partition('/')[2]}"
        self._path = path.encode("ascii")
        self._paths = {host: each.encode("ascii") for host, each in _paths(to).items()}
        self._wild = sorted((host for host in self._paths if host[:1] == "*"), key=len)[::-1]
        self.cookie = sticky.cookie.encode("ascii")
        self.ttl = int(sticky.ttl)
        self.warned = False  # that a backend sets a cookie of this name
        beginning = "" if path == "/" else f"{path} "
        self._values = {each: _value(key, f"{beginning}{each.identity}") for each in members}
        self._members = {value: member for member, value in self._values.items()}

    def path(self, host: str) -> bytes:
        """Return the path at `host` that the cookie is for."""
        found = self._paths.get(host)
        if found is None:
            wild = next((each for each in self._wild if host.endswith(each[1:])), "")
            found = self._paths.get(wild, self._path)
        return found

    def __contains__(self, member: M) -> bool:
        """Tell whether clients can prefer `member`: one that has left is none any more."""
        return member in self._values

    def value(self, member: M) -> bytes:
        """Return the value by which a client prefers `member`."""
        return self._values[member]

    def member(self, values: Sequence[bytes]) -> M | None:
        """Return whom a client's cookies mean; None unless exactly one of them is one of ours.

        Another route's may be beside it: that of `/` comes with every path. (A look-up in a dict
        takes no longer for a nearly right value: its hash has a random key.)
        """
        ours = [value for value in values if value in self._members]
        return self._members[ours[0]] if len(ours) == 1 else None


def with_cookies_of_their_own(
    pools: Mapping[str, PoolSpec], led: Mapping[str, Sequence[str]]
) -> dict[str, PoolSpec]:
    """Return the pools with names of cookies that a browser keeps beside each other.

    `led`: what leads to each that is sticky. Two cookies of one name, host and path are one (RFC
    6265 §5.3): then all but the first have a longer name.
    """
    taken: set[tuple[str, str, str]] = set()
    found: dict[str, PoolSpec] = {}
    for to, spec in pools.items():
        if spec.sticky is not None:
            name, places = spec.sticky.cookie, _paths(led[to]).items()
            if any((name, *place) in taken for place in places):
                name = f"{name}-{sha256(to.encode()).hexdigest()[:8]}"
                sticky = spec.sticky.model_copy(update={"cookie": name})
                spec = spec.model_copy(update={"sticky": sticky})  # noqa: PLW2901
            taken.update((name, *place) for place in places)
        found[to] = spec
    return found


def _paths(to: Iterable[str]) -> dict[str, str]:
    """The path at each host that all of `to` are below."""
    paths: dict[str, str] = {}
    for host, _, path in (each.partition("/") for each in to):
        paths[host] = min(paths.get(host, f"/{path}"), f"/{path}", key=len)
    return paths


def _value(key: bytes, identity: str) -> bytes:
    return b32encode(digest(key, identity.encode(), sha256))[:16]
