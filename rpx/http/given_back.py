"""Places of a backend in its answers, as its clients know them.

A backend that is asked under another host, or another path, than clients ask for names itself so:
in Location, Content-Location and Refresh, and in the Path and Domain of cookies. nginx does the
same by its `proxy_redirect`, `proxy_cookie_path` and `proxy_cookie_domain`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_LINES = re.compile(rb"(\r\n(?i:(?:(content-)?location|(refresh)|(set-cookie))):[ \t]*+)([^\r]*+)")
_URL = re.compile(rb"(?:(?i:(https?)):)?//([^/?#\\\r]*+)([^\r]*+)")
_REFRESH = re.compile(rb"""([^;,]*+[;,][ \t]*+(?i:url)[ \t]*+=[ \t]*+(["']?+))([^"'\r]*+)(.*+)""")
_USUAL = {b"http": b":80", b"https": b":443"}
_HERE = (b"localhost", b"127.0.0.1", b"[::1]")


class Swap(NamedTuple):
    """The beginning of paths as a backend has it, and in the place of it that of its clients.

    Neither ends with a slash; a backend that knows nothing of a prefix has b"". What lies outside
    of `theirs` can't be reached in this way.
    """

    theirs: bytes
    ours: bytes

    def reaches(self, path: bytes) -> bool:
        """Whether clients can reach a path of the backend, which may have more behind it."""
        return _is_below(path, self.theirs)

    def path(self, path: bytes) -> bytes:
        """Return a path of the backend, which may have more behind it (`/x?y#z`), for clients."""
        if not self.reaches(path):
            return path
        if not self.theirs and _is_below(path, self.ours):
            return path  # it has gone by X-Forwarded-Prefix
        return self.ours + path[len(self.theirs) :]


NO_SWAP = Swap(b"", b"")


class Places:
    """How one backend calls what is on its own site, and how one client calls that."""

    __slots__ = ("_aliases", "_host", "_ours", "_schemes", "_swap", "_theirs")

    def __init__(self, ours: bytes, theirs: tuple[bytes, ...], swap: Swap) -> None:
        """`ours` is the origin that the client asks (`http://shop.localhost`; b"" of who names no
        host), `theirs` are those that the backend may take for its own.
        """
        self._ours = ours
        self._swap = swap
        scheme, _, authority = ours.lower().partition(b"://")
        self._aliases = _named(scheme, authority)
        self._host = _host(authority)
        # A backend may go by X-Forwarded-Proto or not. Who names neither means another site: one
        # with TLS, maybe, and to be led back would be a loop.
        self._schemes = {b"", scheme}
        self._theirs: set[bytes] = set()
        for origin in theirs:
            scheme, _, authority = origin.lower().partition(b"://")
            self._schemes.add(scheme)
            self._theirs |= _named(scheme, authority)
        self._theirs -= self._aliases

    def given_back(self, block: bytes) -> bytes:
        """Return the field lines of an answer, each with the CRLF *before* it, for the client."""
        return _LINES.sub(self._line, block) if names_places(block) else block

    def _line(self, line: re.Match[bytes]) -> bytes:
        value = line[5]
        if line[4]:
            return line[1] + self._cookie(value)
        if not line[3]:
            return line[1] + self.reference(value)
        match = _REFRESH.fullmatch(value)
        return (
            line[0] if match is None else line[1] + match[1] + self.reference(match[3]) + match[4]
        )

    def reference(self, value: bytes) -> bytes:
        """Return what a URL of the backend is to the client; others stay, and relative ones."""
        if value[:1] == b"/" and value[1:2] != b"/":
            return self._swap.path(value)
        match = _URL.fullmatch(value)
        if match is None:
            return value
        scheme, authority, rest = match.groups(b"")
        authority = authority.lower()
        if scheme.lower() not in self._schemes:
            return value
        if authority in self._aliases:
            return value[: match.start(3)] + self._swap.path(rest)
        if authority not in self._theirs or not self._swap.reaches(rest):
            return value
        ours = self._ours if scheme else self._ours.partition(b":")[2]
        return ours + self._swap.path(rest)

    def _cookie(self, value: bytes) -> bytes:
        """Return a cookie with the Path of the client, and without a Domain of the backend."""
        first, *attributes = value.split(b";")
        kept = [first]
        for attribute in attributes:
            name, equals, text = attribute.partition(b"=")
            name, text = name.strip(b" \t").lower(), text.strip(b" \t")
            if name == b"domain" and self._is_foreign(text.lstrip(b".").lower()):
                continue
            # A browser takes `__Host-` with no Path but `/`.
            if name == b"path" and text[:1] == b"/" and b"__Host-" not in first:
                # Not `/api/`, which a request for `/api` wouldn't match.
                path = self._swap.path(b"" if text == b"/" else text) or b"/"
                kept.append(attribute[: attribute.index(b"=")] + equals + path)
            else:
                kept.append(attribute)
        return b";".join(kept)

    def _is_foreign(self, domain: bytes) -> bool:
        """Whether a cookie is for the backend's host, and not for that of the client."""
        if _is_within(self._host, domain):
            return False
        return any(_is_within(_host(each), domain) for each in self._theirs)


def names_places(block: bytes) -> bool:
    """Whether field lines may say where something is: most answers say nothing of the kind."""
    low = block.lower()
    return b"location:" in low or b"\r\nset-cookie:" in low or b"\r\nrefresh:" in low


@lru_cache(maxsize=256)
def places(ours: bytes, theirs: tuple[bytes, ...], swap: Swap = NO_SWAP) -> Places:
    """Return the Places of a client and a backend: there are few, and each is asked for often."""
    return Places(ours, theirs, swap)


def _named(scheme: bytes, authority: bytes) -> frozenset[bytes]:
    """All the ways to write an authority that mean the same place."""
    host = _host(authority)
    port = authority[len(host) :]
    hosts = _HERE if host == b"localhost" else (host,)
    if port and port not in _USUAL.values():
        return frozenset(each + port for each in hosts)
    ends = b"", port or _USUAL.get(scheme, b"")
    return frozenset(each + end for each in hosts for end in ends)


def _host(authority: bytes) -> bytes:
    """The host of `host:port`."""
    return re.sub(rb":[0-9]*+\Z", b"", authority)


def _is_below(path: bytes, prefix: bytes) -> bool:
    return path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in b"/?#"


def _is_within(host: bytes, domain: bytes) -> bool:
    return host == domain or (bool(domain) and host.endswith(b"." + domain))
