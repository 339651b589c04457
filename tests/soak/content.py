"""What requests and answers contain: bytes that follow from the request's id, so that none can be
taken for another's."""

from __future__ import annotations

import hashlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


def content(ident: str, size: int) -> bytes:
    """The `size` bytes that belong to a request."""
    seed = hashlib.sha256(ident.encode()).digest() * 31  # 992 bytes: no multiple of a buffer
    return (seed * (size // len(seed) + 1))[:size]


def digest(data: bytes) -> str:
    """A checksum."""
    return hashlib.sha256(data).hexdigest()


def events(ident: str, count: int) -> list[bytes]:
    """The server-sent events of a stream."""
    return [b"id: %d\ndata: %b\n\n" % (n, ident.encode()) for n in range(count)]
