"""Whom the first bytes of a connection are for: bytes in, a name out.

A wrong answer is no hole: the project reads the same bytes and judges them by all of its rules.
Here is only what is needed to find it, and what is cheap.
"""

from __future__ import annotations

import re
import socket
from functools import lru_cache

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Final

NOBODY: Final = ""  # it names nobody: no Host, no SNI, or nothing that could be a name
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"  # RFC 9113 §3.4
HANDSHAKE: Final = 22  # the first byte of a TLS record with a hello (RFC 8446 §5.1)
LONGEST: Final = 300  # bytes of a host with its port
MOST_RECORDS: Final = 2048  # in which a hello may come
LARGEST_HELLO: Final = 65536  # bytes that are looked at; post-quantum ones have 1,800

# The first Host line, or the end of the head.
_HOST: Final = re.compile(rb"\n(?:[Hh][Oo][Ss][Tt]:[ \t]*([^\r\n]*)\r?\n|\r?\n)")
_ABSOLUTE: Final = re.compile(
    rb"[!-~]+ [Hh][Tt][Tt][Pp][Ss]?://(?:[^/?#@ \r\n]*@)?([^/?# \r\n]*)[^ \r\n]* HTTP/1"
)


def of_plain(data: bytes) -> str | None:
    """The host that a request head asks for, of which `data` has come; None: not seen yet."""
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")  # empty lines may come before it (RFC 9112 §2.2)
    first = data.find(b"\n")
    if first < 0:
        return None
    if b"://" in data[:first] and (absolute := _ABSOLUTE.match(data)):
        return usual(absolute[1])  # it goes before Host (RFC 9112 §3.2.2)
    found = _HOST.search(data, first)
    if found is None:
        return None
    return usual(found[1]) if found[1] is not None else NOBODY


def of_tls(data: bytes) -> str | None:
    """The server name of a ClientHello, of which `data` has come; None: there is more to come.

    It may lie in several records (RFC 8446 §5.1).
    """
    hello = bytearray()
    for piece in _fragments(data):
        if piece is None:
            return NOBODY
        hello += piece
        if hello and hello[0] != 1:
            return NOBODY
        if len(hello) >= 4:
            need = 4 + int.from_bytes(hello[1:4], "big")
            if need > LARGEST_HELLO:
                return NOBODY
            if len(hello) >= need:
                return _server_name(bytes(hello[:need]))
    return None if len(data) < LARGEST_HELLO else NOBODY


def _fragments(data: bytes) -> Iterator[bytes | None]:
    """What records of a handshake carry, the last as far as it has come; None: another record."""
    at, size = 0, len(data)
    for _ in range(MOST_RECORDS):
        if size < at + 5:
            break
        length = data[at + 3] << 8 | data[at + 4]
        if data[at] != HANDSHAKE or data[at + 1] != 3 or not length:
            yield None
            return
        yield data[at + 5 : at + 5 + length]
        at += 5 + length
    if size >= at + 5 or data[at : at + 2] not in (b"", b"\x16", b"\x16\x03"):
        yield None


def _server_name(hello: bytes) -> str:
    try:
        at = 38  # type, length, version, random
        at += 1 + hello[at]  # session
        at += 2 + (hello[at] << 8 | hello[at + 1])  # cipher suites
        at += 1 + hello[at]  # compression methods
        end = at + 2 + (hello[at] << 8 | hello[at + 1])
        at += 2
        while at + 4 <= end:
            kind = hello[at] << 8 | hello[at + 1]
            if kind == 0:  # RFC 6066 §3: the length of a list, a type, the length of a name
                length = hello[at + 7] << 8 | hello[at + 8]
                return usual(hello[at + 9 : at + 9 + length]) if hello[at + 6] == 0 else NOBODY
            at += 4 + (hello[at + 2] << 8 | hello[at + 3])
    except IndexError:
        pass
    return NOBODY


def usual(host: bytes) -> str:
    """The form in which names are compared: lower case, without port and the root's dot.

    An IPv6 address keeps its brackets. What can be no host is nobody.
    """
    return _usual(host) if len(host) <= LONGEST else NOBODY


@lru_cache(maxsize=256)  # of one project there are thousands of clients
def _usual(host: bytes) -> str:
    host = host.strip(b" \t")
    if host.startswith(b"["):
        literal, bracket, _ = host[1:].partition(b"]")
        return _ipv6(literal) if bracket else NOBODY
    host = host.partition(b":")[0].lower().removesuffix(b".")
    try:
        return host.decode("ascii")
    except UnicodeDecodeError:
        return NOBODY


def _ipv6(literal: bytes) -> str:
    try:
        packed = socket.inet_pton(socket.AF_INET6, literal.decode("ascii"))
    except (OSError, ValueError):
        return NOBODY
    return f"[{socket.inet_ntop(socket.AF_INET6, packed)}]"
