"""What is said to backends about the client, and what a trusted proxy before us says of its own.

X-Forwarded-* are what everybody reads; Forwarded (RFC 7239) says the same in one field. Of a list
the first member is about the client itself, each further one about a proxy on the way.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rpx.http.grammar import find_field
from rpx.http.head import RequestHead
from rpx.http.hops import PSEUDONYM, without

LOOP = b"CDN-Loop: " + PSEUDONYM + b"\r\n"  # RFC 8586

_APPENDED = frozenset((b"x-forwarded-for", b"forwarded"))
_HTTPS = frozenset((b"https", b"wss"))
_HTTP = frozenset((b"http", b"ws"))
# RFC 7239 §4: one parameter. A quoted value may hold what separates others.
_PARAMETER = re.compile(rb'[ \t]*+([A-Za-z]++)=("[^"]*+"|[^;,"]*+)[ \t]*+(;|,|\Z)')
_PORT = re.compile(rb"(\[[^\]]*+\]|[^:]*+):[0-9_]++")


class Forwarding(NamedTuple):
    """What is said to backends about one client connection; made once for it."""

    client: bytes  # address without zone; b"" for a unix socket
    proto: bytes
    trusted: bool
    lines: bytes  # all that doesn't depend on the request, each line with its CRLF


class Claims(NamedTuple):
    """What a proxy before us says of its client; b"" where it says nothing."""

    chain: bytes  # of addresses, the client's first, as in X-Forwarded-For
    proto: bytes  # http or https
    host: bytes


def forwarding(client: str, proto: str, *, trusted: bool = False) -> Forwarding:
    """Describe a client connection: peer address ("" for a unix socket) and `http` or `https`.

    `trusted` is for a proxy in front of this one, whose own X-Forwarded-* lines are believed.
    """
    # RFC 4007 §6: an IPv6 zone means something to this machine only.
    address = client.partition("%")[0].encode("ascii", "ignore")
    scheme = proto.encode("ascii")
    lines = b"X-Forwarded-For: %b\r\n" % address if address else b""
    lines += b"X-Forwarded-Proto: %b\r\n" % scheme
    return Forwarding(address, scheme, trusted, lines)


def scheme_of(head: RequestHead, peer: Forwarding) -> bytes:
    """`https` or `http`: how the client came, to us or to a trusted proxy before us."""
    if head.forwarded and peer.trusted:
        return claims(head).proto or peer.proto
    return peer.proto


def client_of(head: RequestHead, peer: Forwarding) -> bytes:
    """The address of the client, or of whoever was seen by the trusted proxy before us."""
    if head.forwarded and peer.trusted:
        return claims(head).chain.rpartition(b",")[2].strip() or peer.client
    return peer.client


def host_of(head: RequestHead, peer: Forwarding) -> bytes:
    """The host that the client has asked for, of us or of a trusted proxy before us."""
    if head.forwarded and peer.trusted:
        return claims(head).host or head.authority
    return head.authority


def claims(head: RequestHead) -> Claims:
    """Read what the request says of earlier hops, whoever says so."""
    block = head.forwarded
    chain = find_field(block, b"x-forwarded-for") or b""
    proto = _proto(_first(find_field(block, b"x-forwarded-proto")))
    host = _first(find_field(block, b"x-forwarded-host"))
    if (told := find_field(block, b"forwarded")) is not None:
        hops = _elements(told)
        chain = chain or b", ".join(_address(hop[b"for"]) for hop in hops if b"for" in hop)
        proto = proto or _proto(hops[0].get(b"proto", b""))
        host = host or hops[0].get(b"host", b"")
    return Claims(chain, proto, host)


def appended(head: RequestHead, peer: Forwarding) -> bytes:
    """RFC 7239 §4: to what a trusted proxy says, only this hop's client is added."""
    said = claims(head)
    lines = without(head.forwarded, _APPENDED)[2:]
    lines = lines + b"\r\n" if lines else b""
    if (told := find_field(head.forwarded, b"forwarded")) is not None:
        node = b'"[%b]"' % peer.client if b":" in peer.client else peer.client or b"unknown"
        lines += b"Forwarded: %b, for=%b;proto=%b\r\n" % (told, node, peer.proto)
    if chain := [each for each in (said.chain, peer.client) if each]:
        lines += b"X-Forwarded-For: %b\r\n" % b", ".join(chain)
    if find_field(head.forwarded, b"x-forwarded-proto") is None:
        lines += b"X-Forwarded-Proto: %b\r\n" % (said.proto or peer.proto)
    if find_field(head.forwarded, b"x-forwarded-host") is None and (said.host or head.authority):
        lines += b"X-Forwarded-Host: %b\r\n" % (said.host or head.authority)
    return lines


def _first(value: bytes | None) -> bytes:
    return (value or b"").partition(b",")[0].strip(b" \t")


def _proto(value: bytes) -> bytes:
    low = value.lower()
    return b"https" if low in _HTTPS else b"http" if low in _HTTP else b""


def _elements(value: bytes) -> list[dict[bytes, bytes]]:
    """The members of a Forwarded field, as far as they can be read; at least one, maybe empty."""
    hops: list[dict[bytes, bytes]] = [{}]
    at = 0
    while match := _PARAMETER.match(value, at):
        hops[-1].setdefault(match[1].lower(), match[2].strip(b' \t"'))
        at = match.end()
        if match[3] == b",":
            hops.append({})
        elif not match[3]:
            break
    return hops


def _address(node: bytes) -> bytes:
    """The address of a node (RFC 7239 §6), without brackets and port."""
    match = _PORT.fullmatch(node)
    return (match[1] if match else node).strip(b"[]")
