"""What follows when a backend did not answer: another try, or the truth."""

from __future__ import annotations

from enum import Enum
from typing import Final

# RFC 9110 §9.2.2: safe methods, PUT and DELETE have the same effect when sent twice.
IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"})


class Failure(Enum):
    """How an attempt ended before the first byte of an answer."""

    REFUSED = "connection refused"
    UNRESOLVED = "its host name can't be resolved"
    UNSECURED = "no TLS handshake"
    TIMEOUT = "no connection in time"
    STARVED = "rpx has no file descriptor left for a connection"
    FULL = "has as many requests as it may have"
    BROKEN_FRESH = "closed the connection before it answered"
    BROKEN_REUSED = "closed the connection as the request came"


_NEVER_BEGUN = (
    Failure.REFUSED,
    Failure.UNRESOLVED,
    Failure.UNSECURED,
    Failure.TIMEOUT,
    Failure.FULL,
)


def may_retry(failure: Failure, method: bytes, *, sent: bool, replayable: bool) -> bool:
    """Tell whether the request may go to a backend again.

    `sent`: some of it may have reached the backend. `replayable`: all that was read of its body
    is still at hand. A connection that was never made has taken nothing (RFC 9110 §9.2.2).
    """
    if failure is Failure.STARVED:
        return False
    if failure in _NEVER_BEGUN:
        return True
    return replayable and (method in IDEMPOTENT or not sent)
