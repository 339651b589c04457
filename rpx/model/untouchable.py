"""Fields that no header rule may set or remove."""

from __future__ import annotations

from typing import Final

# Fields, in lower case, that no rule may set or remove: they frame the message, are meant for one
# hop (RFC 9110 §7.6.1), say whom it is for, or tell a loop.
UNTOUCHABLE: Final = frozenset(
    (
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "max-forwards",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "cdn-loop",
    )
)
