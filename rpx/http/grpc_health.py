"""The health of a gRPC server, as grpc.health.v1 has it: one call, two small messages.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md, and for the frame around a message
and the codes doc/PROTOCOL-HTTP2.md and doc/statuscodes.md beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from rpx.http.hpack import Fields

PATH: Final = b"/grpc.health.v1.Health/Check"
SERVING: Final = 1
_STATUSES: Final = {0: "UNKNOWN", SERVING: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_CODES: Final = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
    "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
    "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
_NOT_FOUND, _UNIMPLEMENTED = 5, 12
_ESCAPES: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_PREFIX: Final = 5  # bytes before a message: whether it is compressed, and its length
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5  # how a field of protobuf is written
Pairs = Iterable[tuple[bytes, bytes]]


def question(service: str) -> bytes:
    """The body of the call: HealthCheckRequest, whose field 1 is the name; "" is all of them."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def request_fields(scheme: bytes, authority: bytes, within: float, who: bytes) -> Fields:
    """The head of the call; `within` is seconds, `who` asks."""
    return (
        (b":method", b"POST"),
        (b":scheme", scheme),
        (b":path", PATH),
        (b":authority", authority),
        (b"te", b"trailers"),
        (b"content-type", b"application/grpc"),
        (b"user-agent", who),
        (b"grpc-timeout", b"%dm" % max(1, round(within * 1000))),
    )


def ailment(service: str, head: Pairs, body: bytes, trailers: Pairs) -> str | None:
    """What an answer says against the server, None if it is well."""
    fields = {**dict(head), **dict(trailers)}
    status = fields.get(b":status", b"").decode("latin-1")
    if status != "200":
        return f"status {status} to a call of grpc.health.v1"
    said = fields.get(b"grpc-status", b"")
    if not said.isdigit():
        return "no gRPC server: its answer has no grpc-status"
    if (code := int(said)) == _UNIMPLEMENTED:
        return "has no grpc.health.v1, the service that is asked for its health"
    if code == _NOT_FOUND:
        return f"grpc.health.v1 knows no service {service or 'of its own'}"
    if code:
        name = _CODES[code] if code < len(_CODES) else f"grpc-status {code}"
        words = _ESCAPES.sub(_octet, fields.get(b"grpc-message", b"")).decode("utf-8", "replace")
        return f"{name}{f': {words}' if words else ''} to a call of grpc.health.v1"
    found = _status(body)
    if found is None:
        return "no answer of grpc.health.v1 can be read in what it sent"
    about = f"grpc.health.v1{f' of {service}' if service else ''}"
    return None if found == SERVING else f"{about}: {_STATUSES.get(found, found)}"


def _octet(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))


def _status(body: bytes) -> int | None:
    """Field 1 of HealthCheckResponse; a field that isn't there is 0. None: it is no message."""
    length = int.from_bytes(body[1:_PREFIX], "big")
    if len(body) != _PREFIX + length or body[0]:
        return None
    try:
        return next((value for number, value in _numbers(body[_PREFIX:]) if number == 1), 0)
    except IndexError:
        return None


def _numbers(message: bytes) -> Iterator[tuple[int, int]]:
    """The fields that are numbers. Raises: IndexError where it ends too early."""
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _number(message, at)
            yield tag >> 3, value
        elif kind == _BYTES:
            size, at = _number(message, at)
            at += size
        elif kind in {_EIGHT, _FOUR}:
            at += 8 if kind == _EIGHT else 4
        else:
            raise IndexError(at)
    if at > len(message):
        raise IndexError(at)


def _number(message: bytes, at: int) -> tuple[int, int]:
    """A varint, and where it ends. Raises: IndexError."""
    value = shift = 0
    while True:
        octet = message[at]
        at += 1
        value |= (octet & 0x7F) << shift
        shift += 7
        if octet < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
