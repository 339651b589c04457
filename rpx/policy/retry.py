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
    RESET = "reset the request before it answered"
    UNSEEN = "ended the connection before it took the request"
    REFUSING = "refused the request unread"
    FOREIGN = "does not speak HTTP/2"


# An older connection has ended as the request came: it goes to the same backend on another one.
AFRESH: Final = (Failure.BROKEN_REUSED, Failure.UNSEEN)
_NEVER_BEGUN = (
    Failure.REFUSED,
    Failure.UNRESOLVED,
    Failure.UNSECURED,
    Failure.TIMEOUT,
    Failure.FULL,
    Failure.FOREIGN,
)
_UNSEEN = (Failure.UNSEEN, Failure.REFUSING)  # RFC 9113 §8.7


def may_retry(failure: Failure, method: bytes, *, sent: bool, replayable: bool) -> bool:
    """Tell whether the request may go to a backend again.

    `sent`: some of it may have reached the backend. `replayable`: all that was read of its body
    is still at hand. A connection that was never made has taken nothing (RFC 9110 §9.2.2).
    """
    if failure is Failure.STARVED:
        return False
    if failure in _NEVER_BEGUN:
        return True
    unseen = not sent or failure in _UNSEEN
    return replayable and (unseen or method in IDEMPOTENT)
