"""Heads between an exchange, which has them as HTTP/1.1 does, and a backend that speaks HTTP/2.

What is sent is known to be well-formed. Of what comes only what HTTP/1.1 can't have is judged here
(a name or a value that would be several lines), and what is forbidden in HTTP/2 alone; all else is
for `parse_response`, which judges every answer by the same rules, and for who remembers the last.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from rpx.http.fields import A_VALUE, FORBIDDEN, NAME, Malformed
from rpx.http.grpc import is_grpc
from rpx.http.hpack import Field, Fields

# RFC 9113 §8.2.2: of one connection. Host is `:authority`, and the settings of h2c are obsolete.
_LEFT_OUT: Final = FORBIDDEN | {b"http2-settings"}
_PHRASES: Final = {str(int(each)).encode(): each.phrase.encode() for each in HTTPStatus}


def fields_to_backend(head: bytes, scheme: bytes) -> list[Field]:
    """Return the head of a request, as `request_to_send` gives it, as HTTP/2 has it."""
    start, *lines = head[:-4].split(b"\r\n")
    method, target, _ = start.split(b" ")
    fields = [(b":method", method), (b":scheme", scheme), (b":path", target)]
    for line in lines:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"host":
            fields.insert(2, (b":authority", value))
        elif name not in _LEFT_OUT:
            fields.append((name, value))
    return fields


def head_from_backend(fields: Fields) -> bytes:
    """Return the head of an answer as HTTP/1.1 has it; `:status` comes first. Raises: Malformed.

    Its body ends with the stream unless it has a length. It loses that where trailers may follow,
    which have no place behind a body that is counted.
    """
    status = fields[0][1]
    if status == b"101":  # RFC 9113 §8.6
        raise Malformed("HTTP/2 switches to nothing")
    lines = [b"HTTP/1.1 %b %b" % (status, _PHRASES.get(status, b""))]
    counted, trailers = -1, False
    for name, value in fields[1:]:
        if not NAME.fullmatch(name) or name in FORBIDDEN or not A_VALUE.fullmatch(value):
            raise Malformed("a field that HTTP/2 does not have")
        if name == b"content-length":
            counted = len(lines)
        elif name == b"trailer" or (name == b"content-type" and is_grpc(value)):
            trailers = True
        lines.append(b"%b: %b" % (name, value))
    if counted > 0 and trailers:
        del lines[counted]
    return b"\r\n".join(lines) + b"\r\n\r\n"
