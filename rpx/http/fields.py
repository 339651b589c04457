"""Heads of HTTP/2: fields in, a RequestHead out.

One set of rules is for both versions: `judged` in head.py. Judged here is what a head of HTTP/1.1
can't have (a name or a value that would be several lines), what is forbidden in HTTP/2 alone
(RFC 9113 §8), and how large the head is.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from rpx.http.framing import CHUNKED, plain_length
from rpx.http.grammar import TARGET, TOKEN, VALUE
from rpx.http.head import FieldKind, RequestHead, combined, judged, kind_of
from rpx.http.hpack import Field
from rpx.http.limits import DEFAULT, MessageLimits
from rpx.http.refuse import check_lines, check_size, check_target

NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++")
A_VALUE = re.compile(rb"(?![ \t])%b*+(?<![ \t])" % VALUE)
_METHOD = re.compile(rb"%b++" % TOKEN)
_PATH = re.compile(rb"/%b\x80-\xff]*+" % TARGET[:-1])  # bytes of no ASCII get a page that says so
_AUTHORITY = re.compile(rb"[\x21-\x7e]++")
_PSEUDO = frozenset((b":method", b":scheme", b":authority", b":path", b":protocol"))
# RFC 9113 §8.2.2: of one connection, which here isn't theirs.
FORBIDDEN = frozenset(
    (b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade")
)
_SEAMS = len(b"  HTTP/1.1\r\n\r\n")  # of a head of HTTP/1.1, whose size is what limits are for
_SHORT = 64  # bytes of a name whose kind is remembered
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Malformed(Exception):
    """RFC 9113 §8.1.1: the stream is to be reset, and no backend may see any of it."""


class Asked(NamedTuple):
    """What a client's HEADERS say. It is well-formed, and still to be judged by `request_of`."""

    method: bytes
    path: bytes
    host: bytes | None
    lines: Sequence[Field]  # all others
    length: int  # of the body: n bytes or CHUNKED
    websocket: bool  # it is to become a WebSocket (RFC 8441)

    @property
    def counted(self) -> int:
        """Bytes that its body must have, by its content-length; CHUNKED: it has none."""
        if self.length > 0 or (b"content-length", b"0") in self.lines:
            return self.length
        return CHUNKED


def read_fields(fields: Iterable[Field], *, ended: bool) -> Asked:
    """Read the head of a request; `ended`: no body follows. Raises: Malformed."""
    pseudo, lines, crumbs = _sorted(fields)
    method, protocol = pseudo.get(b":method", b""), pseudo.get(b":protocol")
    if not _METHOD.fullmatch(method):
        raise Malformed("no method")
    if method == b"CONNECT" and protocol is None:  # no tunnel is opened: that is refused
        return Asked(method, b"*", None, (), 0, websocket=False)
    path = _path(pseudo, method)
    host = _host(pseudo, lines)
    if crumbs:
        lines.append((b"cookie", b"; ".join(crumbs)))  # §8.2.3
    if protocol is None:
        return Asked(method, path, host, lines, _length(lines, ended=ended), websocket=False)
    if method != b"CONNECT":
        raise Malformed("a protocol without CONNECT")
    if protocol != b"websocket":
        return Asked(method, path, host, lines, 0, websocket=False)  # which is refused
    lines = [line for line in lines if line[0] != b"sec-websocket-key"]
    return Asked(b"GET", path, host, lines, 0, websocket=True)


def request_of(asked: Asked, limits: MessageLimits = DEFAULT, *, key: bytes = b"") -> RequestHead:
    """Judge it by the rules of HTTP/1.1, and return it as what is sent on. Raises: BadMessage.

    An extended CONNECT becomes a GET that asks for another protocol (RFC 8441 §5); `key` is its
    Sec-WebSocket-Key.
    """
    method, path, lines = asked.method, asked.path, asked.lines
    check_size(0, len(method), len(path), limits)
    check_target(path)
    if asked.host is not None:
        lines = ((b"Host", asked.host), *lines)
    size = len(method) + len(path) + sum(len(name) + len(value) + 4 for name, value in lines)
    check_size(size + _SEAMS, 0, 0, limits)
    check_lines(len(lines), limits)
    found, block, forwarded, cut = _sifted(lines)
    if asked.websocket:
        block += b"\r\nSec-WebSocket-Key: " + key
    elif asked.length == CHUNKED:
        found[b"transfer-encoding"] = b"chunked"
    elif asked.length and b"content-length" not in found:
        found[b"content-length"] = length = b"%d" % asked.length
        block += b"\r\nContent-Length: " + length
    head = judged(method, path, 1, found, block=block, forwarded=forwarded, fields=cut)
    return replace(head, upgrade=b"websocket") if asked.websocket else head


def _sifted(lines: Iterable[Field]) -> tuple[dict[bytes, bytes], bytes, bytes, bytes]:
    """Return the fields that mean something, for `judged`, and what is made of all of them: lines
    to forward, of earlier proxies, and not to forward. Raises: BadMessage.
    """
    pairs: list[Field] = []
    block: list[bytes] = []
    forwarded: list[bytes] = []
    cut: list[bytes] = []
    for name, value in lines:
        line = b"\r\n%b: %b" % (name, value)
        kind = _known_kind(name) if len(name) < _SHORT else kind_of(name.lower())
        if kind is FieldKind.PLAIN:
            block.append(line)
            continue
        pairs.append((name.lower(), value.lower()))
        if kind is FieldKind.STAYS:
            block.append(line)
        else:
            (forwarded if kind is FieldKind.FORWARDED else cut).append(line)
    found = dict(pairs)
    if len(found) != len(pairs):
        found = combined(pairs)
    return found, b"".join(block), b"".join(forwarded), b"".join(cut)


def read_trailers(fields: Sequence[Field]) -> bytes:
    """Return trailers as lines, each with its CRLF. Raises: Malformed."""
    pseudo, lines, crumbs = _sorted(fields)
    if pseudo:
        raise Malformed("pseudo-header fields in the trailers")
    lines += [(b"cookie", crumb) for crumb in crumbs]
    return b"".join(b"%b: %b\r\n" % line for line in lines)


def accepts(key: bytes, value: bytes | None) -> bool:
    """Whether a Sec-WebSocket-Accept with that value belongs to the key (RFC 6455 §4.2.2)."""
    return value == b64encode(sha1(key + _ACCEPT, usedforsecurity=False).digest())


@lru_cache(maxsize=512)
def _known_kind(name: bytes) -> FieldKind:
    return kind_of(name.lower())


def _sorted(fields: Iterable[Field]) -> tuple[dict[bytes, bytes], list[Field], list[bytes]]:
    """Return the pseudo-header fields, the others, and the pieces of the cookie."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[Field] = []
    crumbs: list[bytes] = []
    for name, value in fields:
        if not A_VALUE.fullmatch(value):
            raise Malformed("a value that is none")
        if name.startswith(b":"):
            if name not in _PSEUDO or name in pseudo or lines or crumbs:
                raise Malformed("pseudo-header fields out of order")
            pseudo[name] = value
        elif not NAME.fullmatch(name) or name in FORBIDDEN:
            raise Malformed("a field that HTTP/2 does not have")
        elif name == b"te" and value != b"trailers":
            raise Malformed("a TE other than trailers")
        elif name == b"cookie":
            crumbs.append(value)
        else:
            lines.append((name, value))
    return pseudo, lines, crumbs


def _host(pseudo: dict[bytes, bytes], lines: list[Field]) -> bytes | None:
    """Return what is asked for, and leave it out of the other fields."""
    hosts = [value for name, value in lines if name == b"host"]
    if hosts:
        lines[:] = [line for line in lines if line[0] != b"host"]
    authority = pseudo.get(b":authority")
    if len(hosts) > 1 or (hosts and authority is not None and hosts[0] != authority):
        raise Malformed("it names two hosts")
    host = hosts[0] if authority is None and hosts else authority
    if host is not None and not _AUTHORITY.fullmatch(host):
        raise Malformed("no host")
    return host


def _path(pseudo: dict[bytes, bytes], method: bytes) -> bytes:
    path = pseudo.get(b":path", b"")
    if pseudo.get(b":scheme") not in {b"http", b"https"}:
        raise Malformed("no scheme that is spoken here")
    if not _PATH.fullmatch(path) and (method, path) != (b"OPTIONS", b"*"):
        raise Malformed("no path")
    return path


def _length(lines: list[Field], *, ended: bool) -> int:
    told = [value for name, value in lines if name == b"content-length"]
    if not told:
        return 0 if ended else CHUNKED
    length = max(plain_length(told[0]), 0) if len(told) == 1 else 0  # what is none is refused
    if ended and length:
        raise Malformed("there is less than its content-length says")
    return length
