"""Whether a client wants what is there, or has it already: If-Match and its like (RFC 9110 §13)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rpx.http.dates import seconds_of
from rpx.http.grammar import find_field

NOT_MODIFIED: Final = 304
FAILED: Final = 412
# Most heads have none of them.
_ANY: Final = re.compile(rb"\r\n(?:[Ii][Ff]-|[Rr][Aa][Nn][Gg][Ee]:)")
_TAG = re.compile(rb'(W/)?("[\x21\x23-\x7e\x80-\xff]*+")')


@dataclass(frozen=True, slots=True)
class Validators:
    """What tells one state of a file from another (RFC 9110 §8.8).

    `etag` is strong, with its quotes. `modified`: seconds since 1970; `settled`: that was so long
    ago that no other state can have the same date.
    """

    etag: bytes
    modified: int
    settled: bool = True


def has_conditions(block: bytes) -> bool:
    """Whether a request's field lines may have a precondition or a Range among them."""
    return _ANY.search(block) is not None


def verdict_on(block: bytes, there: Validators) -> int:
    """What the preconditions of a GET or HEAD come to, in the order of RFC 9110 §13.2.2.

    NOT_MODIFIED, FAILED, or 0: it is to be answered as if there were none.
    """
    match = find_field(block, b"if-match")
    if match is not None:
        if not _names(match, there.etag, weak=False):
            return FAILED
    elif (since := _date(block, b"if-unmodified-since")) is not None and there.modified > since:
        return FAILED
    match = find_field(block, b"if-none-match")
    if match is not None:
        return NOT_MODIFIED if _names(match, there.etag, weak=True) else 0
    since = _date(block, b"if-modified-since")
    return NOT_MODIFIED if since is not None and there.modified <= since else 0


def range_asked(block: bytes, there: Validators) -> bytes | None:
    """The value of Range, unless If-Range says that it is about another state (§13.1.5)."""
    value = find_field(block, b"range")
    if value is None:
        return None
    only_if = find_field(block, b"if-range")
    if only_if is None or only_if == there.etag:
        return value
    # A date must be the very same one, and one that nothing else can have.
    return value if there.settled and seconds_of(only_if) == there.modified else None


def _names(value: bytes, etag: bytes, *, weak: bool) -> bool:
    """Whether a list of tags has this one (§8.8.3.2), or is `*`."""
    if value == b"*":
        return True
    return any(tag == etag and (weak or not is_weak) for is_weak, tag in _TAG.findall(value))


def _date(block: bytes, name: bytes) -> int | None:
    value = find_field(block, name)
    return None if value is None else seconds_of(value)
