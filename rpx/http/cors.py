"""Which pages of other origins may read answers: the CORS protocol (Fetch, HTTP extensions).

What rpx says takes the place of what a backend says, for a browser refuses answers that say it
twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rpx.http.grammar import A_TOKEN, find_field, members
from rpx.http.head import RequestHead
from rpx.http.hops import without

if TYPE_CHECKING:  # pydantic takes as long to load as all the rest of a command
    from rpx.model.route import Cors

# All that a server says but what it exposes, which rpx has no word in.
_SAID = re.compile(rb"\r\n(?i:access-control-(?:allow-[^:\r]*+|max-age)):[^\r]*+")
_ORIGIN = re.compile(
    rb"(?i:([a-z][a-z0-9+.-]*+))://(\[[0-9a-fA-F:.]++\]|[^:/?#@\[\]]++)(?::([0-9]++))?"
)
_USUAL_PORT = {b"http": b"80", b"https": b"443", b"ws": b"80", b"wss": b"443"}
_VARY = frozenset((b"vary",))
# Browsers and servers call the machine itself by any of these.
_HERE = frozenset((b"localhost", b"127.0.0.1", b"[::1]"))
_WEB = frozenset((b"http", b"https"))


class CrossOrigin:
    """The rules of one route, compiled."""

    __slots__ = (
        "_any",
        "_credentials",
        "_headers",
        "_hosts",
        "_known",
        "_last",
        "_max_age",
        "_methods",
        "_wild",
    )

    def __init__(self, cors: Cors, hosts: Iterable[str]) -> None:
        """`hosts` are those of the project, as in `to`: also `*.shop.localhost`.

        Origins that were written are `https://shop.example`, `https://*.shop.example`, the same
        without a scheme for http and https, and then without a port for any, `null`, or `*`.
        """
        written = cors.origins
        if written is None:
            # `*` has no part in it: it would let in everybody.
            written = tuple(host.partition("/")[0] for host in hosts if host[:1] != "*" or host[1:])
        self._any = "*" in written
        self._known = {_usual(each.encode()) for each in written if "://" in each or each == "null"}
        self._hosts = {each.lower().encode() for each in written if "://" not in each}
        if cors.origins is None:
            self._hosts |= _HERE
        self._wild = any("*." in each for each in written)
        self._credentials = cors.credentials
        self._last = b"", b""  # an origin, and what is said to it
        self._methods = _listed(cors.methods)
        self._headers = _listed(cors.headers)
        self._max_age = None if cors.max_age is None else b"%d" % cors.max_age

    def preflight(self, request: RequestHead) -> bytes | None:
        """Return the lines (each with its CRLF) of a 204 that answers a preflight.

        None: the request is none. To an origin that isn't allowed they allow nothing, which is how
        a browser is told so.
        """
        if not is_preflight(request):
            return None
        origin = request.field(b"origin") or b""
        method = request.field(b"access-control-request-method") or b""
        lines = b"Vary: %bAccess-Control-Request-Method, Access-Control-Request-Headers\r\n" % (
            b"Origin, " if self._echoes else b""
        )
        said = self._allowed(origin)
        return lines + said[2:] + b"\r\n" + self._details(request, method) if said else lines

    def _details(self, request: RequestHead, method: bytes) -> bytes:
        """Return the lines about what pages of an allowed origin may ask."""
        lines = b""
        if methods := self._methods or _tokens(method):
            lines += b"Access-Control-Allow-Methods: %b\r\n" % methods
        asked = request.field(b"access-control-request-headers")
        if headers := self._headers or (_tokens(asked) if asked else b""):
            lines += b"Access-Control-Allow-Headers: %b\r\n" % headers
        if self._max_age is not None:
            lines += b"Access-Control-Max-Age: %b\r\n" % self._max_age
        if request.field(b"access-control-request-private-network") == b"true":
            lines += b"Access-Control-Allow-Private-Network: true\r\n"
        return lines

    def allowing(self, block: bytes, origin: bytes | None) -> bytes:
        """Return the field lines of an answer, each with the CRLF *before* it, to who asks from a
        page of `origin` (the value of Origin; None: it says none).
        """
        low = block.lower()
        if b"\r\naccess-control-" in low:
            block = _SAID.sub(b"", block)
        if self._echoes:
            block = _varying(block) if b"\r\nvary:" in low else block + b"\r\nVary: Origin"
        return block + self._allowed(origin)

    @property
    def _echoes(self) -> bool:
        """Whether answers depend on who asks."""
        return self._credentials or not self._any

    def _allowed(self, origin: bytes | None) -> bytes:
        """The lines that let pages of `origin` in, or none."""
        if not self._echoes:
            return b"\r\nAccess-Control-Allow-Origin: *"
        if origin is None:
            return b""
        last, lines = self._last
        if origin != last:  # there is often but one
            lines = b""
            if self.allows(origin):
                lines = b"\r\nAccess-Control-Allow-Origin: " + origin
                if self._credentials:
                    lines += b"\r\nAccess-Control-Allow-Credentials: true"
            self._last = origin, lines
        return lines

    def allows(self, origin: bytes) -> bool:
        """Whether pages of this origin may read what is answered."""
        if self._any:
            return True
        origin = _usual(origin)
        if origin in self._known:
            return True
        match = _ORIGIN.fullmatch(origin)
        if match is None:
            return False
        scheme, host, port = match.groups()
        if scheme in _WEB and self._names(host, port or _USUAL_PORT[scheme]):
            return True
        label, dot, rest = host.partition(b".")
        if not self._wild or not dot or label.startswith(b"["):
            return False
        if scheme in _WEB and self._names(b"*." + rest, port or _USUAL_PORT[scheme]):
            return True
        return b"%b://*.%b%b" % (scheme, rest, b":" + port if port else b"") in self._known

    def _names(self, host: bytes, port: bytes) -> bool:
        return host in self._hosts or b"%b:%b" % (host, port) in self._hosts


def is_preflight(request: RequestHead) -> bool:
    """Whether a browser asks what another request may be (Fetch, CORS-preflight request)."""
    return (
        request.method == b"OPTIONS"
        and request.field(b"origin") is not None
        and request.field(b"access-control-request-method") is not None
    )


def _usual(origin: bytes) -> bytes:
    """The one form of an origin: lower case, without a port that its scheme means anyhow."""
    origin = origin.lower()
    match = _ORIGIN.fullmatch(origin)
    if match is not None and match[3] and _USUAL_PORT.get(match[1]) == match[3]:
        return origin.removesuffix(b":" + match[3])
    return origin


def _listed(names: tuple[str, ...] | None) -> bytes:
    """b"" for whatever is asked for: `*` doesn't mean that to who sends credentials."""
    return b"" if names is None or "*" in names else ", ".join(names).encode()


def _tokens(value: bytes) -> bytes:
    """The names that a preflight asks for; nothing if they aren't names."""
    names = [each.strip(b" \t") for each in value.split(b",")]
    return b", ".join(names) if all(map(A_TOKEN.fullmatch, names)) else b""


def _varying(block: bytes) -> bytes:
    """The block with Origin in Vary (RFC 9110 §12.5.5), once."""
    told = find_field(block, b"vary")
    if not told:
        return block + b"\r\nVary: Origin"
    names = members(told)
    if b"origin" in names or b"*" in names:
        return block
    return without(block, _VARY) + b"\r\nVary: %b, Origin" % told
