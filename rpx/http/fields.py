"""Heads of HTTP/2: fields in, a head of HTTP/1.1 out, and back.

What a client sends becomes the bytes that `parse_request` judges, so that one set of rules is for
both versions. Judged here is what those bytes could not show any more: a name or a value that
would be several lines, and what is forbidden in HTTP/2 alone (RFC 9113 §8).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha1
from typing import NamedTuple

from hpack import Encoder

from rpx.http.framing import CHUNKED
from rpx.http.grammar import TARGET, TOKEN, VALUE

Field = tuple[bytes, bytes]

TABLE = 1024  # bytes of our heads that later ones refer to

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]++")
_VALUE = re.compile(rb"(?![ \t])%b*+(?<![ \t])" % VALUE)
_METHOD = re.compile(rb"%b++" % TOKEN)
_PATH = re.compile(rb"/%b\x80-\xff]*+" % TARGET[:-1])  # bytes of no ASCII get a page that says so
_AUTHORITY = re.compile(rb"[\x21-\x7e]++")
_PSEUDO = frozenset((b":method", b":scheme", b":authority", b":path", b":protocol"))
# RFC 9113 §8.2.2: of one connection, which here isn't theirs.
_FORBIDDEN = frozenset(
    (b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade")
)
_HOPS = frozenset((b"connection", b"transfer-encoding", b"upgrade"))  # in heads of our own
_CHUNKED_LINE = b"\r\nTransfer-Encoding: chunked"
_ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class Malformed(Exception):
    """RFC 9113 §8.1.1: the stream is to be reset, and no backend may see any of it."""


class HeadEncoder(Encoder):
    """hpack's encoder, to save time rather than bytes.

    It compares each field with all that it remembers, and clients offer to let it remember a lot:
    with the 64 KB of Chromium a head would take 0.2 ms. Huffman's code is another third.
    """

    def __init__(self) -> None:
        super().__init__()
        self.header_table_size = TABLE

    def encode(  # type: ignore[override]  # it would take other forms of fields as well
        self, headers: Iterable[Field], huffman: bool = False
    ) -> bytes:
        """Return the block of a head."""
        return super().encode(headers, huffman)

    @property
    def header_table_size(self) -> int:
        """What it remembers: at most so many bytes."""
        return self.header_table.maxsize

    @header_table_size.setter
    def header_table_size(self, value: int) -> None:
        size = min(value, TABLE)
        if size != self.header_table.maxsize:
            self.header_table.maxsize = size
            # RFC 7541 §4.2: the least and the last are told, however many there were.
            least = min([size, *self.table_size_changes])
            self.table_size_changes = sorted({least, size})


class Asked(NamedTuple):
    """What a client's HEADERS say."""

    head: bytes  # of HTTP/1.1
    length: int  # of the body: n bytes or CHUNKED, as the head says
    websocket: bool  # it is to become a WebSocket (RFC 8441)


class Told(NamedTuple):
    """What a head of ours says."""

    status: int
    fields: list[Field]
    length: int  # of the body: n bytes, or CHUNKED


def read_fields(fields: Iterable[Field], *, ended: bool, key: bytes) -> Asked:
    """Read the head of a request; `ended`: no body follows. Raises: Malformed.

    `key` is a Sec-WebSocket-Key, should it be needed.
    """
    pseudo, lines, crumbs = _sorted(fields)
    method, protocol = pseudo.get(b":method", b""), pseudo.get(b":protocol")
    if not _METHOD.fullmatch(method):
        raise Malformed("no method")
    if method == b"CONNECT" and protocol is None:
        # No tunnel is opened: `parse_request` refuses it.
        return Asked(b"CONNECT * HTTP/1.1\r\n\r\n", 0, websocket=False)
    path = _path(pseudo, method)
    host = _host(pseudo, lines)
    out = [b"Host: " + host] if host is not None else []
    out += [b"%b: %b" % line for line in lines if line[0] != b"host"]
    if crumbs:
        out.append(b"cookie: " + b"; ".join(crumbs))  # §8.2.3
    length = 0
    if protocol is not None:
        method = _switching(method, protocol, key, out)
    else:
        length = _length(lines, ended=ended)
        if length == CHUNKED:
            out.append(_CHUNKED_LINE[2:])
    head = b"%b %b HTTP/1.1\r\n%b\r\n\r\n" % (method, path, b"\r\n".join(out))
    return Asked(head, length, protocol is not None)


def counted(asked: Asked, length: int) -> Asked:
    """Return the same head of a body whose length was not known, and is now."""
    head = asked.head.removesuffix(_CHUNKED_LINE + b"\r\n\r\n")
    if length:
        head += b"\r\nContent-Length: %d" % length
    return Asked(head + b"\r\n\r\n", length, asked.websocket)


def read_trailers(fields: Sequence[Field]) -> bytes:
    """Return trailers as lines, each with its CRLF. Raises: Malformed."""
    pseudo, lines, crumbs = _sorted(fields)
    if pseudo:
        raise Malformed("pseudo-header fields in the trailers")
    lines += [(b"cookie", crumb) for crumb in crumbs]
    return b"".join(b"%b: %b\r\n" % line for line in lines)


def answer_fields(head: bytes) -> Told:
    """Return what a head that rpx itself has written says; its last CRLF may be missing."""
    first, *lines = head.split(b"\r\n")
    status = first[9:12]
    fields = [(b":status", status)]
    length = CHUNKED
    for name, value in split_lines(lines):
        if name == b"content-length":
            length = int(value)
        if name not in _HOPS:
            fields.append((name, value))
    return Told(int(status), fields, length)


def split_lines(lines: Iterable[bytes]) -> Iterable[Field]:
    """Take field lines apart; the empty ones are left out."""
    for line in lines:
        if line:
            name, _, value = line.partition(b":")
            yield name.lower(), value.strip(b" \t")


def accepts(key: bytes, value: bytes | None) -> bool:
    """Whether a Sec-WebSocket-Accept with that value belongs to the key (RFC 6455 §4.2.2)."""
    return value == b64encode(sha1(key + _ACCEPT, usedforsecurity=False).digest())


def _sorted(fields: Iterable[Field]) -> tuple[dict[bytes, bytes], list[Field], list[bytes]]:
    """Return the pseudo-header fields, the others, and the pieces of the cookie."""
    pseudo: dict[bytes, bytes] = {}
    lines: list[Field] = []
    crumbs: list[bytes] = []
    for name, value in fields:
        if not _VALUE.fullmatch(value):
            raise Malformed("a value that is none")
        if name.startswith(b":"):
            if name not in _PSEUDO or name in pseudo or lines or crumbs:
                raise Malformed("pseudo-header fields out of order")
            pseudo[name] = value
        elif not _NAME.fullmatch(name) or name in _FORBIDDEN:
            raise Malformed("a field that HTTP/2 does not have")
        elif name == b"te" and value != b"trailers":
            raise Malformed("a TE other than trailers")
        elif name == b"cookie":
            crumbs.append(value)
        else:
            lines.append((name, value))
    return pseudo, lines, crumbs


def _host(pseudo: dict[bytes, bytes], lines: list[Field]) -> bytes | None:
    hosts = [value for name, value in lines if name == b"host"]
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
    length = int(told[0]) if len(told) == 1 and told[0].isdigit() else 0  # else it is refused
    if ended and length:
        raise Malformed("there is less than its content-length says")
    return length


def _switching(method: bytes, protocol: bytes, key: bytes, out: list[bytes]) -> bytes:
    """An extended CONNECT becomes a GET that asks for another protocol (RFC 8441 §5)."""
    if method != b"CONNECT":
        raise Malformed("a protocol without CONNECT")
    if protocol != b"websocket":
        return b"CONNECT"  # which is refused
    out[:] = [line for line in out if not line.startswith(b"sec-websocket-key:")]
    out += [b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: " + key]
    return b"GET"
