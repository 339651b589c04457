"""What gRPC has of its own: how its clients are told that nobody answers.

Source: the gRPC protocol over HTTP/2 (PROTOCOL-HTTP2.md), and "HTTP to gRPC Status Code Mapping".
"""

from __future__ import annotations

import re
from typing import Final

UNAVAILABLE: Final = 14
_UNKNOWN: Final = 2
_BY_STATUS: Final = {  # of HTTP → of gRPC
    400: 13,  # INTERNAL
    401: 16,  # UNAUTHENTICATED
    403: 7,  # PERMISSION_DENIED
    404: 12,  # UNIMPLEMENTED
    413: 8,  # RESOURCE_EXHAUSTED, as gRPC has it for messages that are too large
    429: UNAVAILABLE,
    502: UNAVAILABLE,
    503: UNAVAILABLE,
    504: UNAVAILABLE,
}
_NOT_PLAIN: Final = re.compile(rb"[^ -$&-~]")  # in a message they are percent-encoded


def is_grpc(content_type: bytes | None) -> bool:
    """Whether a body is gRPC's own. (gRPC-Web, which browsers speak, needs none of HTTP/2.)"""
    if content_type is None or content_type[:16].lower() != b"application/grpc":
        return False
    return content_type[16:17] in {b"", b"+", b";", b" "}


def status_fields(status: int, message: str, *, of_http: bool = True) -> bytes:
    """Return the lines that tell a client how its call has ended, each with its CRLF.

    `status`: that of HTTP, or gRPC's own. In the head of a 200 without a body they are a whole
    answer ("Trailers-Only"), behind a body they are its trailers.
    """
    text = _NOT_PLAIN.sub(lambda found: b"%%%02X" % found[0][0], message.encode())
    code = _BY_STATUS.get(status, _UNKNOWN) if of_http else status
    return b"grpc-status: %d\r\ngrpc-message: %b\r\n" % (code, text)
