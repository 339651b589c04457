"""Sticky sessions: which cookie value stands for which backend."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest
from typing import Generic

from rpx.model.config import Sticky
from rpx.policy.balance import M


class Affinity(Generic[M]):
    """The cookie values of a pool's members.

    A value says nothing to whoever doesn't have the `key`, and is the same as long as the key, the
    path of the route and the identity of the member are.
    """

    __slots__ = ("_members", "_path", "_paths", "_values", "cookie", "ttl", "warned")

    def __init__(
        self, sticky: Sticky, members: Sequence[M], key: bytes, to: Sequence[str] = ("",)
    ) -> None:
        """`to` leads to them: the cookie of one with a path is no other's affair at its host."""
        paths: dict[str, str] = {}
        for host, _, path in (each.partition("/") for each in to):
            paths[host] = min(paths.get(host, f"/{path}"), f"/{path}", key=len)
        path = f"/{to[0].partition('/')[2]}"
        self._path = path.encode("ascii")
        self._paths = {host: each.encode("ascii") for host, each in paths.items()}
        self.cookie = sticky.cookie.encode("ascii")
        self.ttl = int(sticky.ttl)
        self.warned = False  # that a backend sets a cookie of this name
        beginning = "" if path == "/" else f"{path} "
        self._values = {each: _value(key, f"{beginning}{each.identity}") for each in members}
        self._members = {value: member for member, value in self._values.items()}

    def path(self, host: str) -> bytes:
        """Return the path at `host` that the cookie is for."""
        return self._paths.get(host, self._path)

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


def _value(key: bytes, identity: str) -> bytes:
    return b32encode(digest(key, identity.encode(), sha256))[:16]
