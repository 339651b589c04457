"""What is meant for one hop only (RFC 9110 §7.6.1): Connection and its options, lines cut out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rpx.http.grammar import find_field, members

PSEUDONYM = b"rpx"  # RFC 9110 §7.6.3

# Naming one of these in Connection changes nothing: framing and loop detection would break, or
# they aren't fields. All others are removed, as RFC 9110 §7.6.1 says; it forbids naming what is
# for all recipients, and leaves open what becomes of it.
_NOT_NOMINATED = frozenset(
    b"host content-length transfer-encoding via cdn-loop expect date close keep-alive".split()
)
# HTTP/2 isn't reached by Upgrade (RFC 9113 §3.1), and nothing here could tunnel it.
_OTHER_PROTOCOLS = frozenset((b"h2c", b"h2"))


class ConnectionOptions(NamedTuple):
    """What the Connection lines of a message say."""

    close: bool
    keep_alive: bool
    upgrade: bool
    names: frozenset[bytes]  # of the fields that are not forwarded


def connection_options(value: bytes) -> ConnectionOptions:
    """Read the (joined) value of Connection, in any case."""
    return _remembered(value) if len(value) < 100 else _read(value)


def _read(value: bytes) -> ConnectionOptions:
    options = frozenset(members(value))
    return ConnectionOptions(
        b"close" in options,
        b"keep-alive" in options,
        b"upgrade" in options,
        options - _NOT_NOMINATED,
    )


_remembered = lru_cache(maxsize=256)(_read)  # in practice there is a handful of values


def without(block: bytes, names: frozenset[bytes]) -> bytes:
    """The block without the lines of these (lower-case) names."""
    lines = block.split(b"\r\n")
    return b"\r\n".join(line for line in lines if line.partition(b":")[0].lower() not in names)


def protocols(value: bytes) -> list[bytes]:
    """The protocols of an Upgrade that can be tunnelled, in their own case: all but HTTP/2."""
    names = [name.strip(b" \t") for name in value.split(b",")]
    return [name for name in names if name and name.lower() not in _OTHER_PROTOCOLS]


def passed(found: Mapping[bytes, bytes], fields: bytes) -> tuple[bytes, int]:
    """Return the members of Via, and how many times rpx is among those who passed it on."""
    via, loops = b"", 0
    if b"via" in found:
        via = find_field(fields, b"via") or b""
        loops = [m.split()[1:2] for m in members(via)].count([PSEUDONYM])
    if b"cdn-loop" in found:  # RFC 8586 §2
        names = [m.partition(b";")[0].rstrip() for m in members(found[b"cdn-loop"])]
        loops = max(loops, names.count(PSEUDONYM))
    return via, loops
